"""Worker processes that start in no time, for tests that kill many: forked from one that has everything loaded."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from mailer.foundation import queue
from mailer.jobs.duties import duties_of

ROOT = Path(__file__).parents[2]


class Forks:
    """A process that forks campaign workers when told; kills are real, by SIGKILL."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self._environ = {**os.environ, **environ}
        self._log = log
        self._pids: set[int] = set()

    def __enter__(self) -> Self:
        self._here, there = multiprocessing.Pipe()
        with self._log.open("ab") as output:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.support.killing", str(there.fileno())],
                cwd=ROOT,
                env=self._environ,
                stdout=output,
                stderr=output,
                pass_fds=[there.fileno()],
            )
        there.close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pid in list(self._pids):
            self.kill(pid)
        self._here.close()
        self._parent.wait(timeout=20)

    def start(self) -> int:
        """A new campaign worker; its process id."""
        self._here.send("start")
        pid = int(self._here.recv())
        self._pids.add(pid)
        return pid

    def kill(self, pid: int) -> None:
        """SIGKILL: no goodbye, no settling."""
        self._here.send(pid)
        self._here.recv()
        self._pids.discard(pid)


def _serve(line: Connection) -> None:
    # All that a campaign worker needs is loaded before the first fork; nothing is connected yet.
    import worker

    duties_of(queue.BULK)
    while True:
        try:
            word = line.recv()
        except EOFError:
            return
        if word == "start":
            pid = os.fork()
            if pid == 0:
                line.close()
                os._exit(worker.main(["--queue", "bulk"]))
            line.send(pid)
        else:
            os.kill(word, signal.SIGKILL)
            os.waitpid(word, 0)
            line.send("killed")


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
