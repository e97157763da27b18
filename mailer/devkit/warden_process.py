"""The process behind `Warden`: it waits for its starter to die and then ends what was left.

It is run by its path, with the standard library only, so that it costs little and loads nothing.
Each line on standard input is either `+<process group> <stop order> <grace in seconds>` or
`-<process group>`. The end of the input means that everybody who could write is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

Guarded = dict[int, tuple[int, float]]


def read_guarded(lines: Iterable[bytes]) -> Guarded:
    """Read until the end of the input; return the groups still guarded: {group: (order, grace)}."""
    guarded: Guarded = {}
    for line in lines:
        words = line.split()
        if line.startswith(b"+") and len(words) == 3:
            guarded[int(words[0])] = (int(words[1]), float(words[2]))
        elif line.startswith(b"-"):
            guarded.pop(int(words[0][1:]), None)
    return guarded


def is_alive(pid: int) -> bool:
    """Say whether the process runs; one that has ended and waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state != b"Z"


def end(guarded: Guarded) -> None:
    """Stop the groups, lowest order first: politely, and after their grace by force."""
    for order in sorted({order for order, _ in guarded.values()}):
        batch = {group: grace for group, (own, grace) in guarded.items() if own == order}
        for group in batch:
            with contextlib.suppress(OSError):
                os.kill(group, signal.SIGTERM)
        limit = time.monotonic() + max(batch.values())
        while any(map(is_alive, batch)) and time.monotonic() < limit:
            time.sleep(0.05)
        for group in batch:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Guard until the input ends. The starter has blocked the signals that are meant for all."""
    end(read_guarded(sys.stdin.buffer))


if __name__ == "__main__":
    main()
