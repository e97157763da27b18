"""Several programs under one command: started together, watched, restarted, stopped in order.

One thread, no timers: a loop that reads the programs' output, notices what has died, and asks what
has been started whether it is ready. The programs run in sessions of their own, so that Ctrl-C in
the terminal reaches the supervisor alone, which then stops them in their order. Should the
supervisor itself be killed, the warden stops them instead.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

from mailer.devkit.warden import Launch, Warden

EARLY_SECONDS = 5.0  # a life at least so long was no failed start
MOST_EARLY_DEATHS = 5
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
KEPT_LINES = 20
_TICK_SECONDS = 0.05
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILLING = (signal.SIGKILL, *_STOPPING)  # sent by somebody, not brought about by the program itself
_COLOURS = (36, 35, 33, 32, 34, 95, 96, 93)


@dataclass(frozen=True)
class Child:
    """One program to keep running.

    `env` is added to our own environment. It is started once everything named in `after` is ready;
    `ready` is asked again and again until it says yes (None: ready once started). On the way out
    the lowest `stop_order` is stopped first, and what is not gone after `grace` seconds is killed.
    The lines of a `quiet` program are only shown when it fails. `descriptors` are our open files that it
    gets under the same numbers.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_order: int = 0
    grace: float = 10.0
    ready: Callable[[], bool] | None = None
    after: tuple[str, ...] = ()
    quiet: bool = False
    descriptors: tuple[int, ...] = ()


class _Watched:
    """A child and what we know of its present life."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.due_at = 0.0
        self.early_deaths = 0
        self.has_worked = False  # in this life or an earlier one
        self.is_ready = False
        self.unfinished = b""
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    def delay_after_death(self, now: float) -> float:
        """Count the death; return the seconds to wait before the next life."""
        lived_long = now - self.started_at >= EARLY_SECONDS
        self.has_worked = self.has_worked or lived_long
        self.early_deaths = 1 if lived_long else self.early_deaths + 1
        return min(FIRST_DELAY_SECONDS * 2.0 ** (self.early_deaths - 1), LONGEST_DELAY_SECONDS)


class Supervisor:
    """Keeps the children running until it is told to stop, or one of them cannot be started at all.

    Who has worked once, or is killed from outside, is started again however often that happens.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        on_ready: Callable[[], None] | None = None,
        output: TextIO | None = None,
    ) -> None:
        """Raises ValueError when names repeat or `after` names nobody."""
        names = [child.name for child in children]
        unknown = {name for child in children for name in child.after} - set(names)
        if len(set(names)) != len(names) or unknown:
            raise ValueError(
                f"children must have names of their own and wait for known ones: {names}"
            )
        self._watched = {child.name: _Watched(child) for child in children}
        self._on_ready = on_ready
        self._output = output or sys.stdout
        self._width = max([6, *map(len, names)])
        self._selector = selectors.DefaultSelector()
        self._descriptor = _descriptor_of(self._output)
        self._is_coloured = self._output.isatty() and "NO_COLOR" not in os.environ
        self._stop_asked_at: float | None = None
        self._is_stopping = False
        self._is_impatient = False
        self._failed = False

    def run(self) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP (returns 0) or until a child cannot be started (1).

        A second signal, a second or more after the first, kills what is still running. Must be
        called from the main thread.
        """
        with self._signals_caught(), Warden() as warden:
            try:
                self._watch(warden)
            finally:
                self._stop_all(warden)
        self._selector.close()
        return 1 if self._failed else 0

    def say(self, text: str, name: str = "mailer") -> None:
        """Print a line or more under a name, as the children's lines are printed."""
        for line in text.splitlines():
            self._print(name, line)

    def _watch(self, warden: Warden) -> None:
        all_ready = False
        while not self._is_stopping:
            self._start_due(warden)
            self._read_output(_TICK_SECONDS)
            self._bury_dead(warden)
            self._ask_ready()
            if self._is_output_gone():
                self._lose_output()
            if not all_ready and all(watched.is_ready for watched in self._watched.values()):
                all_ready = True
                if self._on_ready is not None:
                    self._on_ready()

    def _start_due(self, warden: Warden) -> None:
        now = time.monotonic()
        for watched in self._watched.values():
            waits = any(not self._watched[name].is_ready for name in watched.child.after)
            if watched.process is None and now >= watched.due_at and not waits:
                self._start(warden, watched)

    def _start(self, warden: Warden, watched: _Watched) -> None:
        child = watched.child
        watched.process = warden.launch(
            Launch(
                argv=child.argv,
                env={"PYTHONUNBUFFERED": "1", **child.env},
                output=subprocess.PIPE,
                stop_order=child.stop_order,
                grace=child.grace,
                descriptors=child.descriptors,
            )
        )
        watched.started_at = time.monotonic()
        watched.is_ready = child.ready is None
        if watched.process.stdout is not None:
            os.set_blocking(watched.process.stdout.fileno(), False)
            self._selector.register(watched.process.stdout, selectors.EVENT_READ, watched)

    def _ask_ready(self) -> None:
        for watched in self._watched.values():
            ready = watched.child.ready
            if watched.process is not None and not watched.is_ready and ready is not None:
                watched.is_ready = ready()
                watched.has_worked = watched.has_worked or watched.is_ready

    def _read_output(self, timeout: float) -> None:
        if not self._selector.get_map():
            time.sleep(timeout)
            return
        for key, _ in self._selector.select(timeout):
            if self._read_available(key.data) == b"":
                self._selector.unregister(key.fileobj)

    def _read_available(self, watched: _Watched) -> bytes | None:
        """Print the whole lines that have come; b"" is the end of the output, None a pause."""
        process = watched.process
        if process is None or process.stdout is None:
            return b""
        try:
            piece = os.read(process.stdout.fileno(), 65536)
        except BlockingIOError:
            return None
        *lines, watched.unfinished = (watched.unfinished + piece).split(b"\n")
        if not piece or len(watched.unfinished) > 65536:
            lines, watched.unfinished = [*lines, watched.unfinished], b""
        for raw in lines:
            self._take_line(watched, raw.decode(errors="replace").rstrip())
        return piece

    def _take_line(self, watched: _Watched, line: str) -> None:
        if not line:
            return
        watched.last_lines.append(line)
        if not watched.child.quiet:
            self._print(watched.child.name, line)

    def _bury_dead(self, warden: Warden) -> None:
        for watched in self._watched.values():
            if watched.process is None or watched.process.poll() is None:
                continue
            code = watched.process.returncode
            how = _describe_end(code)
            self._bury(warden, watched)
            if self._is_stopping:
                continue
            now = time.monotonic()
            delay = watched.delay_after_death(now)
            watched.due_at = now + delay
            is_killed = code is not None and -code in _KILLING
            if watched.early_deaths >= MOST_EARLY_DEATHS and not (watched.has_worked or is_killed):
                self._give_up(watched, how)
                return
            self.say(f"{watched.child.name} {how}; starting it again in {delay:.1f} s")

    def _give_up(self, watched: _Watched, how: str) -> None:
        self._failed = self._is_stopping = True
        name = watched.child.name
        self.say(f"{name} {how}, {MOST_EARLY_DEATHS} times in a row; stopping. Its last lines:")
        self.say("\n".join(watched.last_lines) or "(it printed nothing)", name)

    def _bury(self, warden: Warden, watched: _Watched) -> None:
        """Take the last lines, end what is left of the group, forget the process."""
        process = watched.process
        if process is None:
            return
        warden.release(process)
        if process.stdout is not None:
            while self._read_available(watched):
                pass
            with contextlib.suppress(KeyError):
                self._selector.unregister(process.stdout)
            process.stdout.close()
        watched.process = None
        watched.is_ready = False

    def _stop_all(self, warden: Warden) -> None:
        self._is_stopping = True
        orders = sorted({watched.child.stop_order for watched in self._watched.values()})
        if self._stop_asked_at is not None:
            self.say("stopping")
        for order in orders:
            batch = [
                watched
                for watched in self._watched.values()
                if watched.child.stop_order == order and watched.process is not None
            ]
            if batch:
                self._stop_batch(warden, batch)

    def _stop_batch(self, warden: Warden, batch: Sequence[_Watched]) -> None:
        for watched in batch:
            if watched.process is not None:
                watched.process.terminate()
        now = time.monotonic()
        limits = {watched.child.name: now + watched.child.grace for watched in batch}
        while any(watched.process is not None for watched in batch):
            self._read_output(_TICK_SECONDS)
            self._bury_dead(warden)
            for watched in batch:
                is_late = self._is_impatient or time.monotonic() >= limits[watched.child.name]
                if watched.process is not None and is_late:
                    self.say(f"{watched.child.name} does not stop; killed")
                    self._bury(warden, watched)

    @contextlib.contextmanager
    def _signals_caught(self) -> Iterator[None]:
        earlier = {
            number: signal.signal(number, self._stop_on_signal)
            for number in _STOPPING
            # nohup says that the end of the terminal is no reason to stop.
            if not (number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN)
        }
        try:
            yield
        finally:
            for number, former in earlier.items():
                signal.signal(number, former)

    def _stop_on_signal(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._stop_asked_at is None:
            self._stop_asked_at = now
            self._is_stopping = True
        # make and timeout pass on what the terminal has sent already; that is no impatience.
        elif now - self._stop_asked_at > 1.0:
            self._is_impatient = True

    def _print(self, name: str, line: str) -> None:
        shown = f"{name:<{self._width}}"
        try:
            if self._is_coloured:
                names = list(self._watched)
                colour = _COLOURS[names.index(name) % len(_COLOURS)] if name in names else 1
                shown = f"\x1b[{colour}m{shown}\x1b[0m"
            if self._may_write():
                self._output.write(f"{shown} {line}\n")
                self._output.flush()
        except (OSError, ValueError):
            self._lose_output()

    def _may_write(self) -> bool:
        """Wait until somebody reads; a full pipe must not keep us from stopping."""
        if self._descriptor is None:
            return True
        while not self._is_stopping:
            if select.select([], [self._descriptor], [], 0.1)[1]:
                return True
        return bool(select.select([], [self._descriptor], [], 0)[1])

    def _is_output_gone(self) -> bool:
        """Notice a closed terminal even when nobody passes its SIGHUP on, as make does not."""
        if self._descriptor is None:
            return False
        poll = select.poll()
        poll.register(self._descriptor, 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def _lose_output(self) -> None:
        """The terminal or the reader of our output is gone: stop, and print to nowhere."""
        self._is_stopping = True
        if self._descriptor is not None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._descriptor)
            os.close(nowhere)


def _descriptor_of(output: TextIO) -> int | None:
    with contextlib.suppress(OSError):
        return output.fileno()
    return None


def _describe_end(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
