"""Reading a receipt that somebody hands in: strict JSON, small, flat, and a clear word for what is wrong."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from mailer.foundation.errors import Invalid

LARGEST = 128 * 1024
DEEPEST = 24
LARGEST_WHOLE = 2**53 - 1
_TOO_LARGE = f"This is larger than {LARGEST // 1024} KB. A receipt is much smaller."
_NOT_JSON = (
    "This is not a receipt file: it is no JSON, or a part of it is missing. Please give the whole file, "
    "from the first brace to the last."
)


def read_receipt(given: bytes) -> dict[str, Any]:
    """The document in `given`. Raises Invalid, with what to do, for everything that is no I-JSON object.

    Refused are duplicate names, fractions, NaN, whole numbers beyond 2^53 - 1, lone surrogates (T-002),
    more than 128 KB, and nesting deeper than 24.
    """
    if not given.strip():
        raise Invalid("Nothing was given. Please paste a receipt or choose its file.")
    if len(given) > LARGEST:
        raise Invalid(_TOO_LARGE)
    try:
        text = given.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise Invalid("This is not a receipt file: it is not UTF-8 text.") from None
    _check_depth(text)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_each_once,
            parse_constant=_refuse_number,
            parse_float=_refuse_number,
            parse_int=_whole,
        )
    except (ValueError, RecursionError):
        raise Invalid(_NOT_JSON) from None
    if not isinstance(found, dict):
        raise Invalid("This is JSON, but not a receipt: a receipt begins with a brace.")
    _check_text(text, found)
    return found


def _check_depth(text: str) -> None:
    """Count brackets outside of strings: the parser itself would use up the stack."""
    depth, is_string, is_escaped = 0, False, False
    for mark in text:
        if is_string:
            is_string = is_escaped or mark != '"'
            is_escaped = mark == "\\" and not is_escaped
        elif mark == '"':
            is_string = True
        elif mark in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Invalid("This is nested deeper than any receipt is.")
        elif mark in "]}":
            depth -= 1


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Invalid(
                f"The name “{name[:80]}” stands twice in one object. No receipt of ours does that, and what "
                "stands twice can be read in two ways."
            )
        found[name] = value
    return found


def _refuse_number(_text: str) -> NoReturn:
    raise Invalid("This holds a number with a fraction, or none at all. No receipt of ours does.")


def _whole(text: str) -> int:
    # Digits are counted first: turning very long ones into a number takes very long.
    if len(text) > 17 or abs(int(text)) > LARGEST_WHOLE or text == "-0":
        raise Invalid("This holds a number that is too large. No receipt of ours does.")
    return int(text)


def _check_text(text: str, found: dict[str, Any]) -> None:
    """Lone surrogates come in as escapes only, and have no UTF-8 form."""
    if "\\u" in text and "\\ud" in text.lower():
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Invalid("This holds characters that are none (lone surrogates).") from None
