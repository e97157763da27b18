"""The dozen filters of the template language: plain functions over plain values.

Each takes the value and constant arguments. A missing value stays missing through every filter
but `default`. Results are bounded, so no chain of filters grows without end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from mailer.rendering.running import is_missing
from mailer.rendering.words import Words

_MAX_TEXT = 10_000
DATE_STYLES = ("long", "short", "iso")


class FilterFailed(Exception):
    """The value is not one this filter can work on; the message says why."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, the types of the arguments it must and may have, and a sample of its use."""

    apply: Callable[..., object]
    required: tuple[type, ...]
    optional: tuple[type, ...]
    sample: str
    speaks: bool = False  # whether it is given our words for the language


def _text(value: object) -> str:
    if isinstance(value, str):
        return value[:_MAX_TEXT]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise FilterFailed("needs text here")


def _items(value: object) -> list[object] | tuple[object, ...]:
    if isinstance(value, list | tuple):
        return value
    raise FilterFailed("needs a list here")


def _upper(value: object) -> str:
    return _text(value).upper()


def _lower(value: object) -> str:
    return _text(value).lower()


def _title(value: object) -> str:
    return " ".join(word[:1].upper() + word[1:].lower() for word in _text(value).split(" "))


def _capitalize(value: object) -> str:
    text = _text(value)
    return text[:1].upper() + text[1:].lower()


def _trim(value: object) -> str:
    return _text(value).strip()


def _truncate(value: object, length: int, end: str = "…") -> str:
    text = _text(value)
    if len(text) <= length:
        return text
    return text[: max(length - len(end), 0)].rstrip() + end


def _replace(value: object, old: str, new: str) -> str:
    text = _text(value)
    if not old:
        raise FilterFailed("needs something to replace")
    if len(text) + text.count(old) * len(new) > _MAX_TEXT:
        raise FilterFailed("would make the text too long")
    return text.replace(old, new)


def _date(value: object, words: Words, style: str = "long") -> str:
    if isinstance(value, date):
        return words.spell_date(value, style)
    try:
        day = datetime.fromisoformat(_text(value).strip()).date()
    except ValueError:
        raise FilterFailed("needs a date such as 2026-11-23 here") from None
    return words.spell_date(day, style)


def _join(value: object, between: str = ", ") -> str:
    texts = [_text(item) for item in _items(value)]
    if sum(map(len, texts)) + len(between) * len(texts) > _MAX_TEXT:
        raise FilterFailed("would make the text too long")
    return between.join(texts)


def _length(value: object) -> int:
    if isinstance(value, list | tuple | str):
        return len(value)
    if is_missing(value):
        return 0
    raise FilterFailed("needs text or a list here")


def _first(value: object) -> object:
    items = _text(value) if isinstance(value, str) else _items(value)
    return items[0] if items else None


def _last(value: object) -> object:
    items = _text(value) if isinstance(value, str) else _items(value)
    return items[-1] if items else None


def _default(value: object, other: object) -> object:
    return other if is_missing(value) else value


FILTERS: dict[str, Filter] = {
    "default": Filter(_default, (object,), (), 'default("there")'),
    "upper": Filter(_upper, (), (), "upper"),
    "lower": Filter(_lower, (), (), "lower"),
    "title": Filter(_title, (), (), "title"),
    "capitalize": Filter(_capitalize, (), (), "capitalize"),
    "trim": Filter(_trim, (), (), "trim"),
    "truncate": Filter(_truncate, (int,), (str,), "truncate(40)"),
    "replace": Filter(_replace, (str, str), (), 'replace("-", " ")'),
    "date": Filter(_date, (), (str,), 'date("long")', speaks=True),
    "join": Filter(_join, (), (str,), 'join(", ")'),
    "length": Filter(_length, (), (), "length"),
    "first": Filter(_first, (), (), "first"),
    "last": Filter(_last, (), (), "last"),
}
