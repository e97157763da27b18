"""An address as people type and paste it → the one address inside it, with what was corrected.

A repair is made only where nothing else can be meant: the mark taken away can be part of no address. Else the
mark and its place are named, for one address must never become another person's.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from mailer.foundation.addresses import LONGEST_ADDRESS, Address, parse_address
from mailer.foundation.errors import Invalid

LONGEST_TYPED = 1_000
_LONGEST_PLACE = 20


class Correction(StrEnum):
    """What was corrected; the value is a word for links and evidence."""

    HIDDEN = "hidden"
    FULL_WIDTH = "width"
    ENTITY = "entity"
    MAILTO = "mailto"
    PERCENT = "percent"
    NAME = "name"
    QUOTES = "quotes"
    END = "end"


CORRECTIONS: dict[Correction, str] = {
    Correction.HIDDEN: "hidden characters were left out",
    Correction.FULL_WIDTH: "full-width or typographic characters were read as plain ones",
    Correction.ENTITY: "codes of a web page were read as the characters they stand for",
    Correction.MAILTO: "the beginning or end of a mail link was left out",
    Correction.PERCENT: "codes of a link, such as %20, were read as what they stand for",
    Correction.NAME: "the name beside the address was left out",
    Correction.QUOTES: "quotation marks or brackets around the address were left out",
    Correction.END: "punctuation around the address was left out",
}


@dataclass(frozen=True, slots=True)
class TypedAddress:
    """An address, and what had to be corrected in `typed` to read it."""

    address: Address
    typed: str
    corrections: tuple[Correction, ...] = ()


# Characters with no shape of their own, besides those of the category Cf.
_SHAPELESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0x180B, 0x1810), *range(0xE0100, 0xE01F0))
}
# Inside an address these change the order or the shape of what is read; taken off at its ends only.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d")
_WIDE: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    0x3000: " ",
    0x3002: ".",
    0xFE52: ".",
    0xFF61: ".",
    0xFE6B: "@",
    0x2010: "-",
    0x2011: "-",
}
_APOSTROPHE = re.compile(r"(?<=\w)\u2019(?=\w)")  # as word processors write it
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_LINK = re.compile(r"(?:mailto|smtp|e-?mail|mail)\s*:\s*(?://)?", re.IGNORECASE)
# Codes of what no local part holds: controls, blanks, brackets and separators, hidden characters.
_CODED = re.compile(
    r"(?:%(?:[01][0-9A-F]|2[028C9]|3[ABCE]|5[BCD]|7F|C2%A[0D]|E2%80%[8A][0-9A-F]|E2%81%A[0-9A-F]|EF%BB%BF))+",
    re.IGNORECASE,
)
_IN_ANGLES = re.compile(r"([^<>]*)<\s*([^<>]*?)\s*>([\s.,;:]*)")
_QUOTED_LOCAL = re.compile(r"[\"“„‟«‹‚‘]([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)[\"”“‟»›‘’]@(.+)")
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">", "'": "'", "`": "`", '"': '"'}
_OPENING = '"([{<“”„‟‘’‚‛«»‹›「『（【•·,;:|'
_CLOSING = "\"')]}>`´“”„‟‘’‚‛«»‹›」』）】.,;:!?…、،؛|/\\"
_QUOTES = frozenset("\"'()[]{}<>`´“”„‟‘’‚‛«»‹›「『」』（）【】")
# Punctuation that no identifier has (RFC 8264, 4.2.3); mails to such a mailbox would go to nobody.
_PUNCTUATION = frozenset({"Pi", "Pf", "Pd", "Ps", "Pe"})
_ATOM_MARKS = frozenset("!#$%&'*+/=?^_`{|}~.-@")
_DOMAIN_MARKS = frozenset(".-")
_WRONG_DOT = re.compile(r"^\.|\.\.|\.@|@\.")
_MARK_NAMES = {",": "a comma", ";": "a semicolon", ":": "a colon", '"': "a quotation mark"}


def read_typed_address(text: str) -> TypedAddress:
    """The one address in `text`. Raises Invalid with what is wrong, where, and what to do about it."""
    if text.isascii() and "%" not in text:
        try:
            return TypedAddress(parse_address(text), text)
        except Invalid:
            pass  # perhaps it is dressed up
    tidied, found = _tidy(text[:LONGEST_TYPED])
    if not tidied:
        raise Invalid("Please give your e-mail address.")
    try:
        address = parse_address(tidied)
    except Invalid as error:
        raise Invalid(_explain(tidied) or str(error)) from None
    if any(_is_typographic(mark) for mark in tidied):
        raise Invalid(_explain(tidied))
    return TypedAddress(address, text, tuple(kind for kind in Correction if kind in found))


def describe_corrections(corrections: tuple[Correction, ...]) -> str:
    """One sentence about what was corrected; empty when nothing was."""
    if not corrections:
        return ""
    parts = [CORRECTIONS[kind] for kind in corrections]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"The address was read with a correction: {listed}."


def _tidy(text: str) -> tuple[str, set[Correction]]:
    """`text` without what can be part of no address, and the kinds of what was taken away."""
    found: set[Correction] = set()
    for _ in range(5):  # one may lie under another
        before = text
        for kind, change in _CHANGES:
            changed = change(text)
            if kind is not None and changed.strip() != text.strip():
                found.add(kind)
            text = changed
        if text == before:
            break
    return text, found


def _bare(text: str) -> str:
    """Without white space at the ends and with letters composed (NFC): no correction worth telling."""
    return unicodedata.normalize("NFC", text.strip())


def _without_hidden(text: str) -> str:
    start, end = 0, len(text)
    while start < end and (_is_hidden(text[start]) or text[start].isspace()):
        start += 1
    while end > start and (_is_hidden(text[end - 1]) or text[end - 1].isspace()):
        end -= 1
    text = text[start:end]
    if text.isascii():
        return text
    return "".join(mark for at, mark in enumerate(text) if not _is_droppable(text, at))


def _is_hidden(mark: str) -> bool:
    return mark in _SHAPELESS or unicodedata.category(mark) in ("Cc", "Cf")


def _is_droppable(text: str, at: int) -> bool:
    """Whether a mark inside has no meaning: scripts other than Latin may need joiners."""
    mark = text[at]
    if mark in _DIRECTIONS or unicodedata.category(mark) == "Cc" or not _is_hidden(mark):
        return False
    return mark not in _JOINERS or (text[at - 1].isascii() and text[at + 1].isascii())


def _plain_width(text: str) -> str:
    """Full-width forms (the width mapping of RFC 8265, 3.3.2), hyphens and apostrophes as plain ones."""
    if text.isascii():
        return text
    text = _APOSTROPHE.sub("'", text.translate(_WIDE))
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{unicodedata.normalize('NFKC', domain)}" if at else text


def _without_entities(text: str) -> str:
    # No address holds a semicolon, so what ends in one was never part of it.
    return _ENTITY.sub(lambda match: html.unescape(match.group()), text)


def _without_link(text: str) -> str:
    """The path of a `mailto:` link, percent-decoded (RFC 6068)."""
    match = _LINK.match(text)
    if match is None:
        return text
    path = text[match.end() :]
    if match.group().lower().startswith("mailto"):
        path = _decoded(path.partition("?")[0])
    return path


def _without_percent(text: str) -> str:
    """Decoded where a code can be no part of an address: in a domain, in place of the only `@`, and wherever
    it stands for what no address holds.
    """
    if "%" not in text:
        return text
    text = _CODED.sub(lambda codes: _decoded(codes.group()), text)
    local, at, domain = text.rpartition("@")
    if at:
        return f"{local}@{_decoded(domain)}"
    return _decoded(text) if text.lower().count("%40") == 1 else text


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _without_name(text: str) -> str:
    """The address of `Name <address>`, unless the name is another address."""
    match = _IN_ANGLES.fullmatch(text)
    if match is None:
        return text
    name, inside = match.group(1).strip(), match.group(2)
    if not name:
        return text
    if "@" in name and name.strip("\"'").lower() != inside.lower():
        return text
    return inside


def _without_quotes(text: str) -> str:
    if len(text) > 2 and _PAIRS.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    quoted = _QUOTED_LOCAL.fullmatch(text)
    return f"{quoted[1]}@{quoted[2]}" if quoted else _strip(text, only_quotes=True)


def _without_punctuation(text: str) -> str:
    return _strip(text, only_quotes=False)


def _strip(text: str, *, only_quotes: bool) -> str:
    """Without marks at the ends that no address begins or ends with."""
    if "@" not in text:
        return text
    start, end = 0, len(text)
    while start < end and text[start] in _OPENING and (not only_quotes or text[start] in _QUOTES):
        start += 1
    while (
        end > start and text[end - 1] in _CLOSING and (not only_quotes or text[end - 1] in _QUOTES)
    ):
        end -= 1
    if any(mark in text[start:end] for mark in '"<>“”„‟‘‚«»‹›'):
        return text  # one half of what goes on inside
    return text[start:end].strip()


_CHANGES = (
    (None, _bare),
    (Correction.ENTITY, _without_entities),
    (Correction.HIDDEN, _without_hidden),
    (Correction.FULL_WIDTH, _plain_width),
    (Correction.NAME, _without_name),
    (Correction.MAILTO, _without_link),
    (Correction.PERCENT, _without_percent),
    (Correction.QUOTES, _without_quotes),
    (Correction.END, _without_punctuation),
)


def _explain(text: str) -> str:
    """What in `text` keeps it from being an address, with its place; empty when only the example helps."""
    if len(text) > LONGEST_ADDRESS:
        return ""
    if len(_addresses_in(text)) > 1:
        return "Please give one e-mail address, such as name@example.org."
    domain_at = text.rfind("@") + 1
    for at, mark in enumerate(text):
        name = _name_of(mark, in_domain=0 < domain_at <= at)
        if name:
            return f"There is {name} {_place(text, at)}. Please correct it, as in name@example.org."
    dot = _WRONG_DOT.search(text)
    if dot is not None:
        at = dot.start() + (dot.group()[0] == "@")
        return f"There is a dot too many {_place(text, at)}. Please correct it, as in name@example.org."
    if text.count("@") == 1 and text[domain_at:] and "." not in text[domain_at:]:
        last = text[domain_at - 1 :][-_LONGEST_PLACE:]
        return f"An ending such as .org is missing after “{last}”. Please add it."
    return ""


def _addresses_in(text: str) -> list[str]:
    return re.findall(r"[^\s@<>,;:]+@[^\s@<>,;:]+", text)


def _name_of(mark: str, *, in_domain: bool) -> str:
    """What a mark that may not stand there is called; empty for one that may."""
    category = unicodedata.category(mark)
    if mark in "\r\n\u2028\u2029":
        return "a line break"
    if mark.isspace():
        return "a space"
    if _is_hidden(mark):
        return "a hidden character"
    if category in ("Cs", "Co", "Cn") or mark == "\ufffd":
        return "a character that cannot be written"
    if mark in _MARK_NAMES:
        return _MARK_NAMES[mark]
    if _is_typographic(mark):
        return f"a “{mark}”"
    allowed = _DOMAIN_MARKS if in_domain else _ATOM_MARKS
    if mark.isascii() and not mark.isalnum() and mark not in allowed:
        return f"a “{mark}”"
    return ""


def _is_typographic(mark: str) -> bool:
    return not mark.isascii() and unicodedata.category(mark) in _PUNCTUATION


def _place(text: str, at: int) -> str:
    before = "".join(_shown(text[:at]))
    if before:
        return f"after “{re.split(r'(?=[.@])', before)[-1][-_LONGEST_PLACE:]}”"
    after = "".join(_shown(text[at + 1 :]))
    return f"before “{re.split(r'[.@]', after)[0][:_LONGEST_PLACE]}”"


def _shown(text: str) -> Iterator[str]:
    return (mark for mark in text if not _is_hidden(mark) and unicodedata.category(mark) != "Cs")
