"""Header fields as bytes on the wire, each folded by the rule of its kind.

Free text (a subject, a display name) becomes encoded words where it has to (RFC 2047). Structured
fields never hold an encoded word and are folded only where white space already stands (E-003),
for an address inside List-Unsubscribe that was folded or encoded no longer works.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache

import idna

from mailer.foundation.errors import Invalid

_LINE = 76
_LONGEST = 998
_WORD = 75
_FORBIDDEN = re.compile("[\r\n\0]")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_STRUCTURED = re.compile(r"[\t -~]*")
_LIST_ID = re.compile(r"(?s)(.*?)\s*(<[!-;=?-~]+>)")
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_ASCII_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_PLAIN_ADDRESS = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
)
_Q_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")


def reject_line_ends(field: str, value: str) -> None:
    """Raise Invalid for CR, LF or NUL, which would end the header and begin another (E-005)."""
    if _FORBIDDEN.search(value):
        raise Invalid(f"{field} holds a line end.", {field: "This has to be one line."})
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Invalid(f"{field} is not text.", {field: "This holds no valid text."}) from None


def text_header(name: str, value: str) -> bytes:
    """Return an unstructured field: Subject. Lines are at most 76 characters (RFC 2047, 2)."""
    reject_line_ends(name, value)
    return _fold(name, _phrase_pieces(value, quoted=False, first=_LINE - len(name) - 2))


def address_header(name: str, display_name: str | None, address: str) -> bytes:
    """Return a field of one address; a non-ASCII local part stays UTF-8 (RFC 6532)."""
    reject_line_ends(name, display_name or "")
    wire = wire_address(name, address)
    if not display_name or not display_name.strip():
        return _fold(name, [wire])
    pieces = _phrase_pieces(display_name, quoted=True, first=_LINE - len(name) - 2)
    return _fold(name, [*pieces, f"<{wire}>"])


def to_header(display_name: str, address: str) -> bytes:
    """Return the field To as `address_header` does, at once where name and address are plain."""
    if len(display_name) + len(address) <= _LINE - 7 and _PLAIN_ADDRESS.fullmatch(address):
        if _ATOMS.fullmatch(display_name) and "=?" not in display_name:
            return f"To: {display_name} <{address}>\r\n".encode("ascii")
        if not display_name:
            return f"To: {address}\r\n".encode("ascii")
    return address_header("To", display_name or None, address)


def structured_header(name: str, value: str) -> bytes:
    """Return a structured field: ASCII, no encoded word, folded at white space or left long."""
    reject_line_ends(name, value)
    if not _NAME.fullmatch(name) or len(name) > 60:
        raise Invalid(f"{name[:60]} is no header name.", {"headers": "Use letters and dashes."})
    found = _LIST_ID.fullmatch(value) if name.lower() == "list-id" else None
    if found:
        phrase = found[1].strip('" ')
        pieces = _phrase_pieces(phrase, quoted=True, first=_LINE - 9) if phrase else ()
        return _fold(name, [*pieces, found[2]])
    if not value.strip() or not _STRUCTURED.fullmatch(value) or "=?" in value:
        raise Invalid(f"{name} can hold ASCII only.", {name: "Use plain ASCII characters."})
    return _fold(name, value.split())


def wire_address(field: str, address: str) -> str:
    """Return an address for the wire, its domain as A-label (E-007); raises Invalid."""
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(address) > 254:
        raise Invalid(f"{field} holds no usable address.", {field: "Use one plain address."})
    return f"{local}@{ascii_domain(field, domain)}"


@lru_cache(maxsize=4096)
def ascii_domain(field: str, domain: str) -> str:
    """Return a domain as A-labels (IDNA 2008 after UTS 46); raises Invalid."""
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            domain = ""
    if not _ASCII_DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise Invalid(f"{field} holds no usable domain.", {field: "Use a plain domain name."})
    return domain


@lru_cache(maxsize=1024)
def _phrase_pieces(text: str, *, quoted: bool, first: int) -> tuple[str, ...]:
    """Return text in pieces between which a line may be folded."""
    words = text.split(" ")
    fits = all(len(word) <= _LINE - 10 for word in words) and "=?" not in text
    if fits and (_ATOMS if quoted else _PLAIN).fullmatch(text):
        return tuple(words)
    if fits and quoted and _PLAIN.fullmatch(text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        if len(escaped) + 2 <= first:
            return (f'"{escaped}"',)
    return tuple(encoded_words(text, first)) if text else ()


def encoded_words(text: str, first: int = _WORD) -> list[str]:
    """Return text as encoded words of at most 75 characters, the first of at most `first`.

    Characters are never split. Whichever of Q and B is shorter over the whole text is used.
    """
    encoded = text.encode()
    quoted_length = sum(1 if byte in _Q_SAFE or byte == 0x20 else 3 for byte in encoded)
    is_quoted = quoted_length <= (len(encoded) + 2) // 3 * 4
    words: list[str] = []
    piece, size = bytearray(), 0
    room = max(min(first, _WORD), 30) - 12
    for character in text:
        raw = character.encode()
        cost = sum(1 if byte in _Q_SAFE or byte == 0x20 else 3 for byte in raw)
        grown = size + cost if is_quoted else (len(piece) + len(raw) + 2) // 3 * 4
        if piece and grown > room:
            words.append(_encoded_word(bytes(piece), is_quoted=is_quoted))
            piece, size, room = bytearray(), 0, _WORD - 12
        piece += raw
        size += cost
    words.append(_encoded_word(bytes(piece), is_quoted=is_quoted))
    return words


def _encoded_word(piece: bytes, *, is_quoted: bool) -> str:
    if not is_quoted:
        return f"=?utf-8?b?{b64encode(piece).decode('ascii')}?="
    text = "".join(
        "_" if byte == 0x20 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in piece
    )
    return f"=?utf-8?q?{text}?="


def _fold(name: str, pieces: Sequence[str]) -> bytes:
    lines: list[str] = []
    line = f"{name}:"
    for index, piece in enumerate(pieces):
        if index and len(line) + 1 + len(piece) > _LINE:
            lines.append(line)
            line = ""
        line = f"{line} {piece}"
    lines.append(line)
    raw = [one.encode() for one in lines]
    if len(max(raw, key=len)) > _LONGEST:
        raise Invalid(f"{name} is too long.", {name: "This is too long for a header."})
    return b"\r\n".join(raw) + b"\r\n"
