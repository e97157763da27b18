"""Reading the relay's replies out of a stream of octets (pure; RFC 5321 §4.2, RFC 2034).

Replies may arrive glued, split or on several lines. What cannot be a reply is refused at once:
a bare CR or LF, a line without a code, codes that change within a reply, and whatever grows
beyond 64 KB or 1,000 lines, so that no relay can make us wait or fill our memory for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MOST_OCTETS: Final = 64 * 1024
MOST_LINES: Final = 1000
MOST_TEXT: Final = 1000

_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?= |$)")


class Garbled(Exception):
    """What arrived is no SMTP reply; the message ends the sentence "the relay …"."""


class Reply(NamedTuple):
    """One complete reply: its code, and the text of its lines as octets."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """The lines as one printable line of at most 1,000 characters, safe to store and show."""
        text = b" ".join(self.lines).decode("utf-8", "replace")[:MOST_TEXT]
        if not text.isprintable():
            text = "".join(sign if sign.isprintable() else " " for sign in text)
        return text.strip()

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code such as "5.1.1", if one of the right class leads (RFC 2034)."""
        found = _ENHANCED.match(self.lines[0].decode("ascii", "replace"))
        if found is None or int(found[1][0]) != self.code // 100:
            return None
        return found[1]

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class ReplyParser:
    """Octets in, replies out; keeps what is not yet complete."""

    __slots__ = ("_code", "_held", "_lines", "_rest")

    def __init__(self) -> None:
        self._rest = b""  # a line still without its CRLF
        self._lines: list[bytes] = []  # lines of a reply still without its last line
        self._held = 0  # octets in `_lines`
        self._code = 0

    @property
    def has_rest(self) -> bool:
        """Whether something of an unfinished reply is held."""
        return bool(self._rest or self._lines)

    def feed(self, octets: bytes) -> Iterator[Reply]:
        """Yield the replies that `octets` complete. Raises Garbled after the good ones before."""
        lines = (self._rest + octets if self._rest else octets).split(b"\r\n")
        self._rest = lines.pop()
        for line in lines:
            reply = self._read(line)
            if reply is not None:
                yield reply
        if self._rest:
            self._refuse_bad_rest()

    def _read(self, line: bytes) -> Reply | None:
        digits, mark = line[:3], line[3:4]
        if b"\n" in line or b"\r" in line:
            raise Garbled("sent a bare CR or LF inside a reply")
        if len(digits) != 3 or not digits.isdigit() or not b"200" <= digits < b"600":
            raise Garbled(f"sent a line that is no reply: {line[:80]!r}")
        code = int(digits)
        if mark not in (b"", b" ", b"-") or (self._lines and code != self._code):
            raise Garbled(f"sent a reply that does not hold together: {line[:80]!r}")
        if mark != b"-" and not self._lines:
            if len(line) > MOST_OCTETS:
                raise Garbled("sent a reply of more than 64 KB")
            return Reply(code, (line[4:],))
        return self._collect(code, line[4:], last=mark != b"-")

    def _collect(self, code: int, text: bytes, *, last: bool) -> Reply | None:
        self._code = code
        self._lines.append(text)
        self._held += len(text) + 6
        if self._held > MOST_OCTETS or len(self._lines) > MOST_LINES:
            raise Garbled("sent a reply of more than 64 KB or 1,000 lines")
        if not last:
            return None
        reply = Reply(code, tuple(self._lines))
        self._lines, self._held = [], 0
        return reply

    def _refuse_bad_rest(self) -> None:
        rest = self._rest
        if b"\n" in rest or b"\r" in rest[:-1]:
            raise Garbled("sent a bare CR or LF inside a reply")
        if self._held + len(rest) > MOST_OCTETS:
            raise Garbled("sent a reply of more than 64 KB")
