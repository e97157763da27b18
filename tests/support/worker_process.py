"""Real worker processes, to be woken, stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from mailer.jobs import waking

ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """`python worker.py …`; killed at the end of the `with` unless it has gone by itself."""

    def __init__(
        self, environ: Mapping[str, str], *arguments: str, log: Path, within: Sequence[str] = ()
    ) -> None:
        """`within` is a command that becomes the one it is given, such as `ip netns exec NAME`."""
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [*within, sys.executable, "worker.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=self._log,
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no goodbye, no settling."""
        if self.is_alive:
            self.process.kill()
        self.process.wait(timeout=10)
        self._log.close()

    def stop(self, *, timeout: float = 20.0) -> int:
        """SIGTERM, as a deployment does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=timeout)
        self._log.close()
        return status


class Kept:
    """A campaign worker that is started again whenever it ended, as a supervisor does."""

    def __init__(self, start: Callable[[], WorkerProcess]) -> None:
        self._start = start
        self.ends: list[int] = []  # with which statuses it ended
        self.worker = start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.kill()

    def wake(self) -> None:
        """See that it runs, and wake it, as the clock does."""
        status = self.worker.process.poll()
        if status is not None:
            self.ends.append(status)
            self.worker.kill()
            self.worker = self._start()
        waking.wake_drains()
