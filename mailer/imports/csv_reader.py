"""Bytes of a CSV file → records, one at a time, whatever the file is like. Pure.

A record that cannot be read is told as such with its line, and reading goes on. Nothing is held but the record
at hand, and after each one it is known where in the file the next begins.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mailer.imports.states import Refusal

LONGEST_RECORD = 128 * 1024  # bytes
MOST_LINES = 64  # of one record
_PIECE = 64 * 1024
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16, little endian",
    "utf-16-be": "UTF-16, big endian",
    "cp1252": "Windows-1252 (Western European)",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = {
    "utf-16-le": re.compile(rb"\r\x00\n\x00|\r\x00|\n\x00", re.DOTALL),
    "utf-16-be": re.compile(rb"\x00\r\x00\n|\x00\r|\x00\n", re.DOTALL),
}
_PLAIN_END = re.compile(rb"\r\n|\r|\n")

csv.field_size_limit(LONGEST_RECORD)


class Source(Protocol):
    """Where bytes come from, such as a file."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written."""

    encoding: str
    separator: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its first line, its cells or why there are none, and where the next one begins."""

    line: int
    cells: list[str]
    problem: Refusal | None
    next_offset: int
    next_line: int

    @property
    def is_empty(self) -> bool:
        """Whether it is a line without any value, such as spreadsheets write below the last person."""
        return self.problem is None and not any(self.cells)


def detect(sample: bytes) -> Dialect:
    """How a file that begins with `sample` is probably written."""
    encoding = _detect_encoding(sample)
    text = _without_bom(sample).decode(encoding, "ignore")
    first = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    counts = {separator: _outside_quotes(first).count(separator) for separator in SEPARATORS}
    best = max(counts, key=lambda separator: counts[separator])
    return Dialect(encoding, best if counts[best] else ",")


def bom_length(sample: bytes) -> int:
    """How many bytes at the beginning only say how the file is written."""
    return next((len(bom) for bom, _ in _BOMS if sample.startswith(bom)), 0)


def iter_lines(
    source: Source, dialect: Dialect, *, offset: int = 0, line: int = 1
) -> Iterator[Record]:
    """Every record of `source`, which stands at byte `offset`, the beginning of line `line`."""
    lines = _Lines(source, dialect.encoding)
    ends = b"\r\n\x00" if dialect.encoding in _LINE_END else b"\r\n"
    while (raw := lines.take()) is not None:
        if not raw.dropped and not raw.body.strip(ends):
            offset, line = offset + len(raw.body), line + 1
            yield Record(line - 1, [], None, offset, line)
            continue
        cells, problem, used = _read_one(raw, lines, dialect)
        size = len(raw.body) + raw.dropped + sum(len(more.body) for more in used)
        for _ in used:
            lines.take()
        first, offset, line = line, offset + size, line + 1 + len(used)
        yield Record(first, cells, problem, offset, line)


def _read_one(
    raw: _Line, lines: _Lines, dialect: Dialect
) -> tuple[list[str], Refusal | None, list[_Line]]:
    """Cells or problem of the record that begins with `raw`, and the further lines it takes."""
    used: list[_Line] = []
    problem: Refusal | None = None

    def texts() -> Iterator[str]:
        nonlocal problem
        size, current = 0, raw
        while True:
            size += len(current.body)
            if current.dropped or size > LONGEST_RECORD:
                problem = Refusal.TOO_LONG
                return
            try:
                yield current.body.decode(dialect.encoding)
            except UnicodeDecodeError:
                problem = Refusal.ENCODING
                return
            more = lines.peek(len(used)) if len(used) < MOST_LINES else None
            if more is None:
                problem = Refusal.UNREADABLE
                return
            used.append(more)
            current = more

    try:
        cells = next(csv.reader(texts(), delimiter=dialect.separator, strict=True), [])
    except csv.Error as error:
        # A quote that is never closed would swallow what follows: only its own line is lost.
        is_long = "limit" in str(error)
        return [], problem or (Refusal.TOO_LONG if is_long else Refusal.UNREADABLE), []
    if problem is not None:
        return [], problem, []
    if any("\x00" in cell for cell in cells):
        return [], Refusal.NUL, used
    return cells, None, used


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its end; of one that is too long the rest was `dropped`, in bytes."""

    body: bytes
    dropped: int = 0


class _Lines:
    """Lines of a source with a look ahead; no more than one record and a piece is held."""

    def __init__(self, source: Source, encoding: str) -> None:
        self._source = source
        self._end = _LINE_END.get(encoding, _PLAIN_END)
        self._width = 2 if encoding in _LINE_END else 1
        self._buffer = b""
        self._at = 0  # of the buffer
        self._is_over = False
        self._ahead: list[_Line] = []

    def take(self) -> _Line | None:
        """The next line; None at the end."""
        return self._ahead.pop(0) if self._ahead else self._next()

    def peek(self, distance: int) -> _Line | None:
        """The line `distance` after the next one; None when there is none."""
        while len(self._ahead) <= distance:
            line = self._next()
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[distance]

    def _next(self) -> _Line | None:
        scanned = self._at
        while True:
            found = self._find_end(scanned)
            if found is not None:
                return self._cut(found)
            waiting = len(self._buffer) - self._at
            if self._is_over:
                return self._cut(len(self._buffer)) if waiting else None
            if waiting > LONGEST_RECORD:
                return self._drop()
            scanned = max(self._at, len(self._buffer) - 2 * self._width)
            scanned = self._at + (scanned - self._at) // self._width * self._width
            scanned -= self._fill()

    def _find_end(self, start: int) -> int | None:
        """Where the line ends that begins at `_at`; an end that may be half read is not told yet."""
        while found := self._end.search(self._buffer, start):
            if (found.start() - self._at) % self._width:
                start = found.start() + 1
                continue
            if found.end() == len(self._buffer) and not self._is_over:
                return None
            return found.end()
        return None

    def _cut(self, end: int) -> _Line:
        body, self._at = self._buffer[self._at : end], end
        return _Line(body)

    def _drop(self) -> _Line:
        """Pass over the rest of a line without keeping it."""
        kept = self._buffer[self._at : self._at + self._width]
        dropped = -len(kept)
        while True:
            found = self._find_end(self._at)
            if found is not None or self._is_over:
                end = found if found is not None else len(self._buffer)
                dropped += end - self._at
                self._at = end
                return _Line(kept, dropped)
            # What may be the first half of an end stays.
            keep = 2 * self._width
            passed = max(0, (len(self._buffer) - self._at - keep) // self._width * self._width)
            dropped += passed
            self._at += passed
            self._fill()

    def _fill(self) -> int:
        """Read a piece more; returns by how much the places in the buffer have moved."""
        piece = self._source.read(_PIECE)
        self._is_over = not piece
        moved = self._at
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return moved


def _detect_encoding(sample: bytes) -> str:
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > half * 0.4:
        return "utf-16-le"
    if sample[0::2].count(0) > half * 0.4:
        return "utf-16-be"
    try:
        # The sample may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _without_bom(sample: bytes) -> bytes:
    return sample[bom_length(sample) :]


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)
