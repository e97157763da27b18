"""The log keeper's directory, outside the database: one keeper at a time, files that survive a crash.

`key`      the private keys, a line each, made once, readable by its owner only
`signed`   the last size and root that were signed, the note itself, and where `entries` ended then
`entries`  every leaf that was ever signed, in the form of an entry bundle without end
`lock`     held by the keeper for as long as it lives
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailer.foundation.errors import Invalid, NotAllowed
from mailer.transparency.leaves import LENGTH_BYTES, pack, time_of
from mailer.transparency.merkle import EMPTY_ROOT

SLICE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed last; `entries_bytes` is the length of the file of entries up to there."""

    size: int
    root: bytes
    note: str
    signed_at: datetime
    entries_bytes: int


class LogDirectory:
    """The files, without any judgement about them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def key_file(self) -> Path:
        return self.path / "key"

    @property
    def signed_file(self) -> Path:
        return self.path / "signed"

    @property
    def entries_file(self) -> Path:
        return self.path / "entries"

    def create(self) -> None:
        """Make the directory, for its owner only."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def take(self) -> None:
        """Be the one keeper of this directory until the process ends. Raises NotAllowed."""
        self.create()
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise NotAllowed(f"Another log keeper works in {self.path}.") from None
        self._lock = handle

    def release(self) -> None:
        """Let another keeper in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def changing_keys(self) -> Iterator[None]:
        """Change the file of keys while nobody else does; the keeper may run meanwhile."""
        self.create()
        handle = os.open(self.path / "key.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def write(self, path: Path, text: str) -> None:
        """Replace a file as a whole, on the disk before this returns, readable by its owner only."""
        fresh = path.with_name(path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._sync_names()

    def read_signed(self) -> Signed | None:
        """What was signed last; None when there is no such file. Raises Invalid when it is damaged."""
        try:
            found = json.loads(self.signed_file.read_text(encoding="utf-8"))
            return Signed(
                size=int(found["size"]),
                root=base64.b64decode(found["root"], validate=True),
                note=str(found["note"]),
                signed_at=datetime.fromisoformat(found["signed_at"]),
                entries_bytes=int(found["entries_bytes"]),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise Invalid(f"{self.signed_file} is damaged.") from None

    def write_signed(self, signed: Signed) -> None:
        """Remember what is being signed, before anybody else sees it."""
        members = {
            "size": signed.size,
            "root": base64.b64encode(signed.root).decode(),
            "note": signed.note,
            "signed_at": time_of(signed.signed_at),
            "entries_bytes": signed.entries_bytes,
        }
        self.write(self.signed_file, json.dumps(members, indent=1) + "\n")

    def start(self, moment: datetime) -> None:
        """Begin a log: nothing was signed yet. A key without this file is never used."""
        self.write_signed(Signed(0, EMPTY_ROOT, "", moment, 0))

    def append_entries(self, at: int, leaves: list[bytes]) -> int:
        """Write leaves behind the first `at` bytes of the entries; returns where they end."""
        body = pack(leaves)
        handle = os.open(self.entries_file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.truncate(at)
            file.seek(at)
            file.write(body)
        return at + len(body)

    def sync_entries(self) -> None:
        """Have the entries on the disk."""
        if not self.entries_file.exists():
            return
        with self.entries_file.open("rb") as file:
            os.fsync(file.fileno())
        self._sync_names()

    def entries_length(self) -> int:
        """The length of the file of entries in bytes."""
        try:
            return self.entries_file.stat().st_size
        except FileNotFoundError:
            return 0

    def iter_entries(self, at: int = 0) -> Iterator[tuple[int, bytes]]:
        """Each leaf from the byte `at` on, after where it ends in the file; a torn last one is left out.

        Needs little memory, whatever the length.
        """
        if not self.entries_file.exists():
            return
        with self.entries_file.open("rb", buffering=SLICE_BYTES) as file:
            file.seek(at)
            while len(head := file.read(LENGTH_BYTES)) == LENGTH_BYTES:
                length = int.from_bytes(head, "big")
                leaf = file.read(length)
                if len(leaf) < length:
                    return
                at += LENGTH_BYTES + length
                yield at, leaf

    def set_aside(self, begin: int, moment: datetime) -> Path | None:
        """Copy what stands behind the first `begin` bytes of the entries into a file of its own."""
        if self.entries_length() <= begin:
            return None
        kept = self.path / f"unsigned-{time_of(moment).replace(':', '')}"
        with self.entries_file.open("rb") as file, kept.open("wb") as copy:
            file.seek(begin)
            while part := file.read(SLICE_BYTES):
                copy.write(part)
            copy.flush()
            os.fsync(copy.fileno())
        return kept

    def _sync_names(self) -> None:
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
