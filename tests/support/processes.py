"""Looking at the processes of this machine, with a mark to find one's own by."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


def list_marked(mark: str, *, parent: int | None = None) -> list[str]:
    """Return the living processes whose command line holds the mark, as `pid ppid state command`."""
    return [
        line
        for line in _list_all()
        if mark in line
        and not line.split()[2].startswith("Z")
        and parent in {None, int(line.split()[1])}
    ]


def pids_marked(mark: str, *, parent: int | None = None) -> list[int]:
    """Return their process ids."""
    return [int(line.split()[0]) for line in list_marked(mark, parent=parent)]


def _list_all() -> Iterator[str]:
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield from done.stdout.splitlines()
        return
    # Small systems have no ps, but every Linux has this.
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (directory / "stat").read_text().rpartition(")")[2].split()[:2]
            words = (directory / "cmdline").read_bytes().split(b"\0")
            command_line = b" ".join(words).decode(errors="replace")
            yield f"{directory.name} {parent} {state} {command_line}"
