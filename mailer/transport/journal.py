"""The worker's notebook of what is on the wire: it survives the death of its process.

One append-only file per owner, one line per event, one `os.write` per line:
`S key` before the final dot of a mail is written, `D key …` once its fate is known.
The owner holds `flock` on the file for life; a lock that can be had means its owner is dead.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final, Self, cast

from mailer.transport.failures import JournalFailed
from mailer.transport.outcomes import Outcome, OutcomeKind, Stage

_SUFFIX: Final = ".journal"
_OWNER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SENT: Final = re.compile(r"S\t([A-Za-z0-9-]+)")
_D_PARTS: Final = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a journal, and what was at risk there."""

    offset: int
    at_risk: frozenset[str]
    edition: int


class Journal:
    """The notebook of one living owner."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._open: set[str] = set()
        self._size = 0
        self._edition = 0  # one more whenever something was forgotten
        self._broken = False
        self._stamped: datetime | None = None
        self._stamp = ""

    @classmethod
    def open(cls, directory: Path, owner: str) -> Self:
        """Create `<owner>.journal` in `directory` and hold it until `close`.

        Raises JournalFailed if it cannot be created, is held by another process, or still
        holds what a dead owner left (settle that first, see `abandoned`).
        """
        if _OWNER.fullmatch(owner) is None:
            raise JournalFailed(f"{owner!r} cannot be the name of a journal.")
        path = directory / f"{owner}{_SUFFIX}"
        try:
            descriptor = _create_locked(path)
        except BlockingIOError:
            raise JournalFailed(f"The journal {path} is held by another process.") from None
        except OSError as error:
            raise JournalFailed(f"The journal {path} cannot be opened: {error}.") from error
        if os.fstat(descriptor).st_size:
            os.close(descriptor)
            raise JournalFailed(f"The journal {path} of a dead owner is not settled yet.")
        return cls(path, descriptor)

    def sent(self, key: str) -> None:
        """Note that the final dot of `key` is about to be written.

        A key that is noted already and not answered yet is not noted again. Raises JournalFailed
        if it cannot be noted; then the mail must not be sent.
        """
        if key not in self._open:
            self._write(b"S\t%b\n" % key.encode())
            self._open.add(key)

    def is_at_risk(self, key: str) -> bool:
        """Whether `key` is noted as sent and not answered yet."""
        return key in self._open

    def answered(self, key: str, outcome: Outcome) -> None:
        """Note what became of `key`. Raises JournalFailed."""
        at = outcome.at
        if at is not self._stamped:  # outcomes of one round share their moment
            self._stamped, self._stamp = at, repr(at.timestamp())
        self._write(_written(key, outcome, self._stamp))
        self._open.discard(key)

    def mark(self) -> Mark:
        """The end of what is noted now, for `clear`: what comes later is not forgotten with it."""
        return Mark(self._size, frozenset(self._open), self._edition)

    def clear(self, mark: Mark | None = None) -> None:
        """Forget everything answered before `mark` (None: until now), once it is settled.

        What was at risk there stays noted. Raises JournalFailed, and ValueError for a mark from before
        the last time. The old content is replaced in one step, so that a death in between leaves either
        the old or the new content.
        """
        mark = mark or self.mark()
        if mark.edition != self._edition:
            raise ValueError("a mark in what was forgotten already")
        try:
            if mark.at_risk or self._size > mark.offset:
                self._replace(mark)
            else:
                os.ftruncate(self._descriptor, 0)
                self._size = 0
        except OSError as error:
            raise JournalFailed(f"The journal {self._path} cannot be cleared: {error}.") from error
        self._edition += 1
        self._broken = False

    def close(self) -> None:
        """Let the journal go; it is removed if nothing is left in it."""
        if self._descriptor < 0:
            return
        if not os.fstat(self._descriptor).st_size:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, line: bytes) -> None:
        if self._broken:
            raise JournalFailed(f"The journal {self._path} is damaged.")
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise JournalFailed(f"The journal {self._path} cannot be written: {error}.") from error
        if written != len(line):
            # Half a line would spoil the next one, so it is taken back.
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError:
                self._broken = True
            raise JournalFailed(f"The journal {self._path} cannot be written: the disk is full.")
        self._size += written

    def _replace(self, mark: Mark) -> None:
        fresh = self._path.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        later = _read_whole(self._descriptor, mark.offset, self._size)
        descriptor = _create_locked(fresh)
        content = "".join(f"S\t{key}\n" for key in sorted(mark.at_risk)).encode() + later
        try:
            _write_whole(descriptor, content)
            fresh.replace(self._path)
        except OSError:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        self._descriptor, self._size = descriptor, len(content)


@dataclass(slots=True)
class AbandonedJournal:
    """What a dead owner left: `answered` can be settled as it says, `at_risk` is uncertain.

    Nobody else can take it until `remove` or `release`; also a context manager that releases.
    """

    owner: str
    answered: dict[str, Outcome]
    at_risk: set[str]
    _path: Path = field(repr=False)
    _file: FileIO = field(repr=False)

    def remove(self) -> None:
        """Delete the journal, once everything in it is settled."""
        self._path.unlink(missing_ok=True)
        self._file.close()

    def release(self) -> None:
        """Let go of the journal without deleting it; somebody may take it up again."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def abandoned(directory: Path, owners: str = "") -> Iterator[AbandonedJournal]:
    """Yield the journals in `directory` whose owner is dead, each locked for the caller; only those of owners
    whose names begin with `owners`.

    A torn last line is ignored: a torn S was never followed by a dot, a torn D leaves its mail
    at risk. Raises JournalFailed if a journal cannot be read.
    """
    for path in sorted(directory.glob(f"{owners}*{_SUFFIX}")):
        file = _locked_file(path)
        if file is None:
            continue
        try:
            answered, at_risk = _read(file.readall().decode("utf-8", "replace"))
        except OSError as error:
            file.close()
            raise JournalFailed(f"The journal {path} cannot be read: {error}.") from error
        yield AbandonedJournal(path.name.removesuffix(_SUFFIX), answered, at_risk, path, file)


def _create_locked(path: Path) -> int:
    """An appending descriptor that holds the lock on the file now at `path`. Raises OSError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # somebody removed it between opening and locking


def _write_whole(descriptor: int, content: bytes) -> None:
    if os.write(descriptor, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read_whole(descriptor: int, begin: int, end: int) -> bytes:
    content = os.pread(descriptor, end - begin, begin)
    if len(content) != end - begin:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    return content


def _locked_file(path: Path) -> FileIO | None:
    try:
        file = FileIO(path, "r+")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalFailed(f"The journal {path} cannot be read: {error}.") from error
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(file.fileno(), path):
            return file
    file.close()
    return None


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one now found at `path`, and not one replaced or removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _written(key: str, outcome: Outcome, stamp: str) -> bytes:
    code = "-" if outcome.code is None else outcome.code
    return (
        f"D\t{key}\t{outcome.kind}\t{code}\t{outcome.enhanced or '-'}\t{outcome.stage}\t"
        f"{'1' if outcome.tls else '0'}\t{stamp}\t"
        f"{_one_line(outcome.relay)}\t{_one_line(outcome.text)}\n"
    ).encode()


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _read(content: str) -> tuple[dict[str, Outcome], set[str]]:
    answered: dict[str, Outcome] = {}
    at_risk: set[str] = set()
    lines = content.split("\n")
    lines.pop()  # empty, or torn
    for line in lines:
        sent = _SENT.fullmatch(line)
        if sent is not None:
            at_risk.add(sent[1])
            answered.pop(sent[1], None)
            continue
        outcome = _read_outcome(line)
        if outcome is not None:
            answered[outcome.key] = outcome
            at_risk.discard(outcome.key)
    return answered, at_risk


def _read_outcome(line: str) -> Outcome | None:
    parts = line.split("\t")
    if len(parts) != _D_PARTS or parts[0] != "D":
        return None
    _, key, kind, code, enhanced, stage, tls, at, relay, text = parts
    try:
        return Outcome(
            key=key,
            kind=OutcomeKind(kind),
            code=None if code == "-" else int(code),
            enhanced=None if enhanced == "-" else enhanced,
            text=text,
            relay=relay,
            at=datetime.fromtimestamp(float(at), UTC),
            stage=cast("Stage", stage),
            tls=tls == "1",
        )
    except (ValueError, OverflowError, OSError):
        return None
