"""A disk that can be filled up: a small file system of its own where one may mount, else a limit on files."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEGABYTES = 64


@functools.cache
def can_mount() -> bool:
    """Whether this process may mount a file system."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    directory = Path(tempfile.mkdtemp())
    try:
        mounted = _mount(directory)
        if mounted:
            _unmount(directory)
        return mounted
    finally:
        directory.rmdir()


@dataclass
class SmallDisk:
    """A directory on a file system of its own."""

    directory: Path

    def fill(self, _pid: int) -> None:
        """Leave not one octet."""
        with contextlib.suppress(OSError), (self.directory / "ballast").open("ab", 0) as file:
            while file.write(b"\0" * 65536):
                pass
        with contextlib.suppress(OSError), (self.directory / "ballast").open("ab", 0) as file:
            while file.write(b"\0"):
                pass

    def free(self, _pid: int) -> None:
        (self.directory / "ballast").unlink()


@dataclass
class Allowance:
    """What one process may write: no file beyond its first octet once it is used up."""

    directory: Path

    def fill(self, pid: int) -> None:
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))

    def free(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def mount_small_disk(directory: Path) -> Iterator[SmallDisk]:
    """A file system of MEGABYTES at `directory`, made for this and gone afterwards."""
    directory.mkdir()
    assert _mount(directory)
    try:
        yield SmallDisk(directory)
    finally:
        _unmount(directory)


def _mount(directory: Path) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "tmpfs", str(directory)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _unmount(directory: Path) -> None:
    # Lazily: a process that is being ended may still have a file open.
    subprocess.run(["umount", "-l", str(directory)], check=True, capture_output=True)
