"""Blotting out the secrets of links, so that a mail can be shown and its links open nothing.

The secret of a token is its signature (see tokens.py). It is found wherever a mail may hold it: in a head, in
text and HTML as they are, in quoted-printable with its escapes and soft line ends, and in base64.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable

# What may stand between two characters: a soft line end (RFC 2045, 6.7), a folded head (RFC 5322, 2.2.3), the
# seam of two encoded words (RFC 2047, 2).
_BREAK = rb"(?:=[ \t]*\r?\n|\?=\r?\n[ \t]+=\?[^?\s]+\?[Qq]\?|\r?\n[ \t])*"
_ESCAPED = rb"=(?:2[Dd]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9Aa])"
_CHARACTER = rb"(?:[A-Za-z0-9_-]|" + _ESCAPED + rb")"
_BEFORE = rb"(?:[A-Za-z0-9_~.-]|=7[Ee]|=2[Ee]|%7[Ee]|%2[Ee]|" + _ESCAPED + rb")"
_SIGNATURE = 43  # characters: 32 octets of HMAC-SHA-256 in base64 without its end
_RUN = re.compile(
    rb"(?<![=%])(?<![=%][0-9A-Fa-f])(?:" + _BEFORE + _BREAK + rb"){%d,}+" % (_SIGNATURE + 2)
)
_SECRET = re.compile(
    rb"(?:\.|=2[Ee]|%2[Ee])" + _BREAK + rb"((?:" + _CHARACTER + _BREAK + rb"){%d})" % _SIGNATURE
)
_ONE = re.compile(_CHARACTER + rb"|" + _BREAK.removesuffix(b"*") + rb"+")
_BASE64_PART = re.compile(
    rb"^content-transfer-encoding:[ \t]*base64\b.*?\r?\n\r?\n([A-Za-z0-9+/=\s]+)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=]")
_BREAKS = re.compile(_BREAK)
_CODES = re.compile(rb"[=%]([0-9A-Fa-f]{2})")


def blot(mail: bytes) -> bytes:
    """The same octets with the secret of every link replaced by asterisks; as long, and always the same.

    Records commit to the result, so for a mail that was sent it may never come out differently.
    """
    return _blot(mail)[0]


def link_digests(mail: bytes) -> list[str]:
    """SHA-256 of every token in a mail, hexadecimal, in the order of their first place (C-043)."""
    return _blot(mail)[1]


def _blot(mail: bytes) -> tuple[bytes, list[str]]:
    digests: dict[str, None] = {}

    def cover(run: re.Match[bytes]) -> bytes:
        covered, end = b"", 0
        for found in _SECRET.finditer(run[0]):
            token = _read(run[0][end : found.end()])
            digests[hashlib.sha256(token).hexdigest()] = None
            covered += run[0][end : found.start(1)] + _ONE.sub(_star, found[1])
            end = found.end()
        return covered + run[0][end:]

    def cover_inside(part: re.Match[bytes]) -> bytes:
        start = part.start(1) - part.start()
        return part[0][:start] + _covered_base64(part[1], cover)

    return _BASE64_PART.sub(cover_inside, _RUN.sub(cover, mail)), list(digests)


def _read(token: bytes) -> bytes:
    """A token as it stands in an address, without the clothes of the mail."""
    return _CODES.sub(lambda code: bytes.fromhex(code[1].decode()), _BREAKS.sub(b"", token))


def _star(found: re.Match[bytes]) -> bytes:
    one = found[0]
    if b"\n" in one:
        return one
    return b"*" if len(one) == 1 else b"=2A"


def _covered_base64(encoded: bytes, cover: Callable[[re.Match[bytes]], bytes]) -> bytes:
    """Base64 whose content is blotted, each of its characters where one stood before."""
    try:
        content = binascii.a2b_base64(encoded)
    except binascii.Error:
        return encoded
    blotted = _RUN.sub(cover, content)
    if blotted == content:
        return encoded
    characters = iter(binascii.b2a_base64(blotted, newline=False))
    return _BASE64.sub(lambda one: bytes([next(characters, one[0][0])]), encoded)
