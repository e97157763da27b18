"""A letter written once, with holes of a fixed width that are filled for each person.

Composing a service mail costs more than a millisecond, and two confirmation mails of one form differ in
little: addressee, date, Message-ID, and the tokens in their links. A stencil finds these in a mail that was
composed in the ordinary way, also where a soft line break runs through them, and fills them in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from mailer.foundation.errors import Invalid
from mailer.rendering.headers import to_header
from mailer.rendering.mime import (
    Mail,
    boundaries_of,
    compose,
    date_line,
    wire_message_id,
)

_HOLE = re.compile(r"[A-Za-z0-9_.~-]+")
_BREAK = b"=\r\n"


class Stencil:
    """Made from `sample`, whose words hold the values of `holes` (name to value) wherever they stand.

    Raises Invalid when a value is not found, or is not made of letters, digits, `-`, `.`, `_` and `~`,
    which quoted-printable and HTML leave as they are.
    """

    def __init__(self, sample: Mail, holes: Mapping[str, str]) -> None:
        self._sample = sample
        self._widths = {name: len(value) for name, value in holes.items()}
        self._id_width = len(sample.message_id)
        composed = compose(sample)
        fixed = _fixed(sample.to_name, sample.to_address, sample.message_id, sample.date)
        finds = [(name, re.escape(value)) for name, value in fixed.items()]
        finds += [(name, _broken(name, value)) for name, value in holes.items()]
        pattern = re.compile(b"|".join(b"(%b)" % expression for _, expression in finds))
        self._parts: list[bytes] = []  # literal, hole, literal, hole, …, literal
        self._names: list[str] = []
        self._breaks: list[tuple[int, ...]] = []  # where soft breaks run through each hole
        end = 0
        for hit in pattern.finditer(composed):
            self._parts.append(composed[end : hit.start()])
            self._names.append(finds[(hit.lastindex or 1) - 1][0])
            self._breaks.append(_breaks_in(hit.group()))
            end = hit.end()
        self._parts.append(composed[end:])
        missing = {*fixed, *holes} - {*self._names}
        if missing - {"\0boundary"}:
            raise Invalid("The letter does not hold what is to be filled in.")

    def fill(
        self, values: Mapping[str, str], *, to_address: str, message_id: str, date: datetime
    ) -> bytes | None:
        """The mail to one person as `compose` would write it; None when a value has not the width of its
        hole, so that the mail has to be composed in the ordinary way.

        Raises Invalid for an address that cannot be used.
        """
        if any(len(values[name]) != width for name, width in self._widths.items()):
            return None
        if len(message_id) != self._id_width:
            return None
        filled = _fixed(self._sample.to_name, to_address, message_id, date)
        filled.update((name, value.encode()) for name, value in values.items())
        out: list[bytes] = []
        for literal, name, breaks in zip(self._parts, self._names, self._breaks, strict=False):
            out.append(literal)
            out.append(_with_breaks(filled[name], breaks) if breaks else filled[name])
        out.append(self._parts[-1])
        return b"".join(out)


def _fixed(
    to_name: str | None, to_address: str, message_id: str, date: datetime
) -> dict[str, bytes]:
    """What is different in every mail besides the values."""
    message_id = wire_message_id(message_id)
    return {
        "\0to": to_header(to_name or "", to_address),
        "\0date": date_line(date),
        "\0id": message_id.encode(),
        "\0boundary": boundaries_of(message_id)[0],
    }


def _broken(name: str, value: str) -> bytes:
    """A pattern for `value` that lets a soft line break stand between any two of its characters."""
    if not _HOLE.fullmatch(value):
        raise Invalid(f"The value for {name} cannot be filled in.")
    between = b"(?:%b)?" % re.escape(_BREAK)
    return between.join(re.escape(mark.encode()) for mark in value)


def _breaks_in(found: bytes) -> tuple[int, ...]:
    """Before which characters of the value a soft break stands."""
    places, before = [], 0
    for piece in found.split(_BREAK)[:-1]:
        before += len(piece)
        places.append(before)
    return tuple(places)


def _with_breaks(value: bytes, places: tuple[int, ...]) -> bytes:
    pieces = [value[a:b] for a, b in zip((0, *places), (*places, len(value)), strict=True)]
    return _BREAK.join(pieces)
