"""Starting processes that never outlive the one who started them, however it dies.

A kill -9 cannot be caught, so somebody else has to notice it: a small guarding process reads a
pipe whose writing end only the starter holds. Each child announces its own process group on that
pipe *before* it becomes the program, so there is no moment in which a child is alive and unknown.
This works alike on Linux and macOS and needs no code between fork and exec.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

_GUARD = Path(__file__).with_name("warden_process.py")

# The child's standard input is the warden's pipe until the child becomes the program.
_ANNOUNCE_AND_BECOME = 'echo "+$$ $1 $2" >&0 && shift 2 && exec "$@" </dev/null'

_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Launch:
    """How a program is to be started.

    `env` is added to our own environment. `stop_order` and `grace` (seconds) say how the program
    is ended when nobody is left to end it: lowest order first. `user` is a numeric user and group.
    `descriptors` are our open files that the program gets under the same numbers.
    """

    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    output: int | IO[bytes] = subprocess.DEVNULL
    stop_order: int = 0
    grace: float = 10.0
    user: tuple[int, int] | None = None
    directory: Path | None = None
    descriptors: Sequence[int] = ()


class Warden:
    """Launches programs in process groups of their own and ends them when we are gone."""

    def __init__(self) -> None:
        self._guarded: dict[int, Launch] = {}
        self._guard = self._start_guard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id of the guarding process."""
        return self._guard.pid

    def launch(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Start a program in a new session under guard, both output streams joined."""
        self._ensure_guard()
        uid, gid = launch.user or (None, None)
        shown = (str(launch.stop_order), str(launch.grace))
        process = subprocess.Popen(  # noqa: S603 (starting the given program is what this is for)
            ["/bin/sh", "-c", _ANNOUNCE_AND_BECOME, "sh", *shown, *launch.argv],
            env={**os.environ, **(launch.env or {})},
            stdin=self._guard.stdin,
            stdout=launch.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            cwd=launch.directory,
            pass_fds=launch.descriptors,
        )
        self._guarded[process.pid] = launch
        return process

    def release(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of the program's group and stop guarding it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if self._guarded.pop(process.pid, None) is not None:
            self._write(f"-{process.pid}\n")

    def stop(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        """Ask the program to end, wait its grace, and leave nothing of its group."""
        launch = self._guarded.get(process.pid)
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(launch.grace if launch else 0)
        self.release(process)

    def close(self) -> None:
        """Let the guard go; whatever is still guarded is ended by it."""
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        """Start the guard deaf to signals meant for everybody; it inherits what is blocked here."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _DEAF_TO)
        try:
            return subprocess.Popen(  # noqa: S603 (our own file, run by our own interpreter)
                [sys.executable, "-I", "-S", str(_GUARD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _ensure_guard(self) -> None:
        """Replace a guard that was killed; a pipe nobody reads would kill the next child."""
        if self._guard.poll() is None:
            return
        self.close()
        self._guard = self._start_guard()
        for group, launch in self._guarded.items():
            self._write(f"+{group} {launch.stop_order} {launch.grace}\n")

    def _write(self, line: str) -> None:
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.write(line.encode())
