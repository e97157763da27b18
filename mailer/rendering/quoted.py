"""Quoted-printable (RFC 2045, 6.7), strict enough that nothing on the way has to touch it.

What always holds of what is written here: ASCII, CRLF only, lines of at most 76 characters; no line
begins with a dot or with “From ”; no tab, no two blanks in a row and none at a line's end. So a
body needs no dot-stuffing, and DKIM's relaxed canonical form of it is what it already is. A piece
moreover begins and ends at the beginning of a line, so pieces may stand next to each other.
"""

from __future__ import annotations

import re

from mailer.foundation.errors import Invalid

_WIDTH = 76
_UNSAFE = re.compile(
    rb"[^ -<>-~\n]|(?<= ) |\x20(?=\n|\Z)|^\.|^F(?=rom\x20)",
    re.MULTILINE,
)
_EASY = re.compile(r"(?!From )[!-\-/-<>-~][!-<>-~]*(?: [!-<>-~]+)*(\n*)")
_ESCAPES = {bytes([code]): b"=%02X" % code for code in range(256)}
_DOT, _EQUALS = 0x2E, 0x3D


def encode_text(text: str, field: str = "text") -> bytes:
    """Return a whole body; a last line without an end stays without one. Raises Invalid."""
    return b"\r\n".join(_lines(text, field, soft_end=False))


def encode_piece(text: str) -> bytes:
    """Return a part of a body that begins and ends at the beginning of a line. Raises Invalid."""
    easy = _EASY.fullmatch(text) if len(text) < _WIDTH else None
    if easy:
        raw = text.encode("ascii")
        return raw.replace(b"\n", b"\r\n") if easy[1] else raw + b"=\r\n"
    lines = _lines(text, "text", soft_end=True)
    return b"\r\n".join(lines) + b"=\r\n" if lines[-1] else b"\r\n".join(lines)


def _lines(text: str, field: str, *, soft_end: bool) -> list[bytes]:
    try:
        raw = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    except UnicodeEncodeError:
        raise Invalid(f"The {field} is not text.", {field: "This holds no valid text."}) from None
    whole = _UNSAFE.sub(lambda found: _ESCAPES[found[0]], raw).split(b"\n")
    folded: list[bytes] = []
    for line in whole[:-1]:
        _fold(line, folded, _WIDTH)
    _fold(whole[-1], folded, _WIDTH - 1 if soft_end else _WIDTH)
    return folded


def _fold(line: bytes, folded: list[bytes], longest_end: int) -> None:
    """Add a line, a long one in parts: no escape broken, none with a beginning it must not have."""
    at, length = 0, len(line)
    if length <= longest_end:
        folded.append(line)
        return
    while True:
        lead = b""
        if at and (line[at] == _DOT or line.startswith(b"From ", at)):
            lead = _ESCAPES[line[at : at + 1]]
            at += 1
        if len(lead) + length - at <= longest_end:
            folded.append(lead + line[at:])
            return
        end = _whole(line, at + _WIDTH - 1 - len(lead))
        if line[end] == _DOT and line[end - 1] != _DOT:
            end = _whole(line, end - 1)
        folded.append(lead + line[at:end] + b"=")
        at = end


def _whole(line: bytes, end: int) -> int:
    """Where to break at `end` or before it without breaking an escape."""
    if line[end - 1] == _EQUALS:
        return end - 1
    return end - 2 if line[end - 2] == _EQUALS else end
