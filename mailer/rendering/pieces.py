"""Pieces of a mail on the wire form: those of everybody, and those kept for the values they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from mailer.rendering.footer import WHY
from mailer.rendering.quoted import encode_piece
from mailer.rendering.shape import CannotSplice, Unit
from mailer.rendering.tree import Scope

# Stand for the token of a link, to unsubscribe, for preferences, or of a counted one; no piece of text
# holds a NUL.
MARKS = (b"\x00u", b"\x00p", b"\x00c")
_COLUMNS = 75
_MOST_KEPT = 2_000  # entries of one group
_MOST_OCTETS = 4_000_000
_MOST_MADE = 200  # texts of one unit with choices
_SCALARS = (bool, int, float)


Pieces = Sequence[tuple[int, bytes]]


_UNKEPT = object()  # the key of values that cannot be one


class Person(Protocol):
    """What pieces may depend on."""

    @property
    def contact(self) -> Mapping[str, object]:
        """The values below `contact`."""

    @property
    def why(self) -> str:
        """Why this person is written to."""


class Links:
    """Where the tokens of links go. Made with sample tokens, one of each kind there is in the mail."""

    def __init__(self, unsubscribe: str, preferences: str, clicks: str = "") -> None:
        samples = [unsubscribe, preferences, *([clicks] if clicks else [])]
        self.widths = (len(unsubscribe), len(preferences), len(clicks))
        self._find = re.compile("|".join(f"({re.escape(token)})" for token in samples))
        if not (unsubscribe and preferences) or any(
            self.wire(kind, token) != encode_piece(token) for kind, token in enumerate(samples)
        ):
            raise CannotSplice("its links have an unusual form")

    def wire(self, kind: int, token: str) -> bytes:
        """A token as a piece; `kind` is 0 to unsubscribe, 1 for preferences, 2 of a counted link."""
        raw = token.encode("ascii")
        width = self.widths[kind]
        if width <= _COLUMNS:
            return raw + b"=\r\n"
        if width <= 2 * _COLUMNS:
            return b"%b=\r\n%b=\r\n" % (raw[:_COLUMNS], raw[_COLUMNS:])
        cuts = range(0, width, _COLUMNS)
        return b"=\r\n".join([*[raw[at : at + _COLUMNS] for at in cuts], b""])

    def split(self, text: str) -> list[bytes]:
        """Return the pieces of a text with marks where the tokens go."""
        pieces: list[bytes] = []
        end = 0
        for found in self._find.finditer(text):
            pieces += (encode_piece(text[end : found.start()]), MARKS[(found.lastindex or 1) - 1])
            end = found.end()
        return [*pieces, encode_piece(text[end:])]


def fill_marks(piece: bytes, tokens: tuple[bytes, bytes, bytes]) -> bytes:
    """Put the tokens where their marks are; the third is empty where nothing is counted."""
    piece = piece.replace(MARKS[0], tokens[0]).replace(MARKS[1], tokens[1])
    return piece.replace(MARKS[2], tokens[2]) if tokens[2] else piece


class Slot:
    """A place in the list of pieces, what is written there, and how it becomes a piece."""

    def __init__(self, index: int, unit: Unit, encode: Callable[[str], bytes]) -> None:
        self.index = index
        self.has_subject = unit.has_subject
        self._unit = unit
        self._encode = encode
        self._made: dict[str, bytes] = {}

    def make(self, scope: Scope) -> tuple[int, bytes]:
        """The piece for these values. Raises Invalid."""
        text = self._unit.write(scope)
        if not self._unit.has_turns:
            return self.index, self._encode(text)
        piece = self._made.get(text)
        if piece is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            piece = self._made[text] = self._encode(text)
        return self.index, piece


class Group:
    """The slots that depend on the same values. Their pieces are kept while that pays."""

    def __init__(self, names: Iterable[str], slots: Sequence[Slot]) -> None:
        self._names = tuple(sorted(names))
        self._fields = tuple(one.partition(".")[2] for one in self._names if one != WHY)
        self._has_why = WHY in self._names
        self._only_field = self._fields[0] if len(self._names) == len(self._fields) == 1 else None
        self._slots = slots
        self._has_subject = any(slot.has_subject for slot in slots)
        self._kept: dict[Hashable, Pieces] = {}
        self._octets = 0
        self._asked = 0
        self._is_keeping = True

    def pieces(self, who: Person, scope_of: Callable[[Any, bool], Scope]) -> Pieces:
        """Index and piece of each slot for one person. Raises Invalid."""
        field = self._only_field
        if field is not None:
            key = who.contact.get(field)
            if key.__class__ is not str:
                key = _key_of(key)
        else:
            key = who.why if not self._fields else self._whole_key(who)
        self._asked += 1
        found = self._kept.get(key)
        if found is None:
            found = self._make(scope_of(who, self._has_subject))
            if key is not _UNKEPT and self._is_keeping:
                self._keep(key, found)
        return found

    def _whole_key(self, who: Person) -> Hashable:
        contact = who.contact
        keys = [_key_of(contact.get(one)) for one in self._fields]
        return _UNKEPT if _UNKEPT in keys else (who.why if self._has_why else "", *keys)

    def _make(self, scope: Scope) -> Pieces:
        return [slot.make(scope) for slot in self._slots]

    def _keep(self, key: Hashable, pieces: Pieces) -> None:
        self._octets += sum(len(piece) for _, piece in pieces)
        if len(self._kept) >= _MOST_KEPT or self._octets > _MOST_OCTETS:
            # Values that hardly ever come again are not worth keeping.
            self._is_keeping = self._asked >= 2 * len(self._kept)
            self._kept.clear()
            self._asked = self._octets = 0
            return
        self._kept[key] = pieces


def _key_of(value: object) -> Hashable:
    """A key that is equal for equal values of one kind only: 1, 1.0 and true are three."""
    if value is None or isinstance(value, str):
        return value
    kind = value.__class__
    if kind in _SCALARS:
        return kind, value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return (kind, *value)
    return _UNKEPT


class Layout:
    """Pieces being laid next to each other, and what is to be filled in between them."""

    def __init__(self, links: Links, scope: Scope) -> None:
        self.pieces: list[bytes] = []
        self.tokens_at: list[tuple[int, int]] = []  # index and kind of link
        self.linked: list[int] = []  # slots whose pieces hold marks
        self._links = links
        self._scope = scope
        self._slots: dict[frozenset[str], list[Slot]] = {}

    def add(self, piece: bytes) -> int:
        """Lay a piece that is everybody's, or filled in by whoever called; returns its index."""
        self.pieces.append(piece)
        return len(self.pieces) - 1

    def add_unit(self, unit: Unit, encode: Callable[[str], bytes]) -> None:
        """Lay a piece that depends on values."""
        slot = Slot(self.add(b""), unit, encode)
        self._slots.setdefault(unit.names, []).append(slot)

    def add_part(self, parts: Sequence[str | Unit]) -> bool:
        """Lay a part of the mail; tells whether something in it is there for everybody.

        Raises Invalid when a value of the organisation is missing.
        """
        texts: list[str] = []
        is_certain = False
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
            elif not part.names:
                texts.append(part.write(self._scope))
            else:
                is_certain |= self._add_text("".join(texts))
                texts = []
                if part.has_links:
                    self.linked.append(len(self.pieces))
                    self.add_unit(part, lambda text: b"".join(self._links.split(text)))
                else:
                    self.add_unit(part, encode_piece)
        return self._add_text("".join(texts)) or is_certain

    def groups(self) -> list[Group]:
        """What is to be asked for the pieces of each person."""
        return [Group(names, slots) for names, slots in self._slots.items()]

    def _add_text(self, text: str) -> bool:
        for piece in self._links.split(text):
            if piece in MARKS:
                self.tokens_at.append((self.add(b""), MARKS.index(piece)))
            elif piece:
                self.add(piece)
        return bool(text.strip())
