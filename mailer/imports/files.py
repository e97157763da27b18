"""The files of imports: sealed, in the data directory, gone when the import ends.

A file is cut into pieces of one size, each sealed under the file's own key and bound to its place, so that
reading can go on anywhere. Its key is kept in the import's row, sealed under the service's own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mailer.foundation import cipher
from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid, NotFound
from mailer.imports.csv_reader import Source

PIECE = 64 * 1024
_OVERHEAD = 12 + 16  # nonce and tag
SAMPLE = 1024 * 1024
_SUFFIX = ".sealed"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is kept: what it was like, and the key that opens it, sealed."""

    sha256: str
    size: int
    sealed_key: bytes
    sample: bytes


def keep(name: str, source: Source) -> Kept:
    """Seal everything `source` has into the file `name`, an import's public id.

    Raises Invalid when it is empty, or larger than may be imported.
    """
    key = cipher.new_key()
    digest, sample, size = hashlib.sha256(), b"", 0
    most = settings().import_megabytes * 1024 * 1024
    path = _path(name)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while piece := _read_whole(source, PIECE):
                file.write(cipher.seal_with(key, piece, bound_to=f"{name}.{size // PIECE}"))
                digest.update(piece)
                size += len(piece)
                _require_size(size, smallest=0, largest=most)
                if len(sample) < SAMPLE:
                    sample += piece
            file.flush()
            os.fsync(file.fileno())
        _require_size(size, smallest=1, largest=most)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sealed = cipher.seal(key, bound_to=f"imports.{name}")
    return Kept(digest.hexdigest(), size, sealed, sample)


class SealedReader:
    """A kept file, read from any place."""

    def __init__(self, name: str, sealed_key: bytes, *, offset: int = 0) -> None:
        self._name = name
        self._key = cipher.open_sealed(sealed_key, bound_to=f"imports.{name}")
        try:
            self._file = _path(name).open("rb")
        except FileNotFoundError:
            raise NotFound("The file of this import is no longer there.") from None
        self._number = offset // PIECE
        self._skip = offset % PIECE
        self._file.seek(self._number * (PIECE + _OVERHEAD))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, _size: int, /) -> bytes:
        """The next piece. Raises CannotOpen when it was changed."""
        sealed = self._file.read(PIECE + _OVERHEAD)
        if not sealed:
            return b""
        piece = cipher.open_with(self._key, sealed, bound_to=f"{self._name}.{self._number}")
        self._number += 1
        piece, self._skip = piece[self._skip :], 0
        return piece


def remove(name: str) -> None:
    """Remove the file of an import, if it is there."""
    _path(name).unlink(missing_ok=True)


def list_names() -> list[str]:
    """The imports that have a file."""
    return sorted(path.name.removesuffix(_SUFFIX) for path in _directory().glob(f"*{_SUFFIX}"))


def remove_all_but(names: Collection[str], *, older_than: float) -> int:
    """Remove files of imports that are not among `names`, last written before `older_than`; how many."""
    count = 0
    for name in set(list_names()) - set(names):
        path = _path(name)
        if path.stat().st_mtime < older_than:
            path.unlink(missing_ok=True)
            count += 1
    return count


def _require_size(size: int, *, smallest: int, largest: int) -> None:
    if size < smallest:
        raise Invalid("The file is empty.", {"file": "Please choose a file that holds something."})
    if size > largest:
        most = settings().import_megabytes
        raise Invalid(
            f"The file is larger than {most} MB. Split it into several.",
            {"file": f"Please use a file of at most {most} MB."},
        )


def _directory() -> Path:
    directory = settings().data_directory / "imports"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _path(name: str) -> Path:
    return _directory() / f"{name}{_SUFFIX}"


def _read_whole(source: Source, size: int) -> bytes:
    """Exactly `size` bytes, fewer only at the end: streams may give less than they are asked for."""
    parts: list[bytes] = []
    while size and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
