"""Work that several threads ask for at the same moment, done as one.

A way to another program and back, a transaction and its commit cost more than what one visitor adds to them.
So whoever comes while somebody is at work waits, and whoever is next works for all who wait. When there is a
crowd, whoever is next gives those on the way a moment to arrive: a third of the work was for one alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from mailer.foundation import context
from mailer.foundation.errors import Unavailable

Given = TypeVar("Given")
Made = TypeVar("Made")

MOST = 32  # at once
PAUSE_SECONDS = 0.0004  # in which whoever is on the way arrives
MOST_PAUSES = 8
_INTERRUPTED = "This was interrupted. Nothing was changed."


class Gathering(Generic[Given, Made]):
    """One kind of work; `work` gets what was given by each, and returns what it made, in the same order.

    What is given belongs to no session, for another thread may work on it. `pause` waits for so many seconds.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Given]], Sequence[Made]],
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._name = f"mailer.gathering.{name}"
        self._work = work
        self._pause = pause

    def do(self, given: Given) -> Made:
        """What `work` made of `given`.

        Raises what `work` raises for it. What fails in company is tried again by itself, so that nobody fails
        because of somebody else, but for Unavailable, which everybody would meet again.
        """
        line: _Line = context.extensions().setdefault(self._name, _Line(self._pause))
        mine = _Turn(given)
        if not line.join(mine):
            mine.wait()
            mine.call_next()
        if not mine.is_done:
            turns = [mine]
            try:
                turns = line.first()
                self._work_for(turns)
            finally:
                line.leave(turns)
        return cast("Made", mine.outcome())

    def _work_for(self, turns: Sequence[_Turn]) -> None:
        try:
            made = self._work([turn.given for turn in turns])
            for turn, one in zip(turns, made, strict=True):
                turn.made, turn.error = one, None
        except Unavailable as error:
            for turn in turns:
                turn.error = Unavailable(str(error))
        except Exception as error:  # noqa: BLE001  # it is raised where it belongs
            if len(turns) == 1:
                turns[0].error = error
                return
            for turn in turns:
                self._work_for([turn])


class _Turn:
    """What one thread gave, and what came of it."""

    __slots__ = ("_bell", "calls", "error", "given", "is_done", "made")

    def __init__(self, given: Any) -> None:
        self.given = given
        self.made: Any = None
        self.error: Exception | None = Unavailable(_INTERRUPTED)
        self.is_done = False
        self.calls: _Turn | None = None  # who is to be called as soon as this one is
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self) -> None:
        """Until it is done, or stands first in line."""
        self._bell.acquire()

    def call(self) -> None:
        self._bell.release()

    def call_next(self) -> None:
        if self.calls is not None:
            self.calls.call()
            self.calls = None

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.made


class _Line:
    """Who waits, in order; the first is at work, and the others are called."""

    def __init__(self, pause: Callable[[float], object]) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._pause = pause
        self._is_crowded = False  # whether the last piece of work was for several

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, turn: _Turn) -> bool:
        """Join at the end; True when that is the front."""
        with self._lock:
            self._waiting.append(turn)
            return len(self._waiting) == 1

    def first(self) -> list[_Turn]:
        """Those whose turn it is now; they stay in line until `leave`."""
        if self._is_crowded or len(self) > 1:
            self._let_arrive()
        with self._lock:
            return [turn for turn, _ in zip(self._waiting, range(MOST), strict=False)]

    def _let_arrive(self) -> None:
        """Pause for as long as others keep coming."""
        for _ in range(MOST_PAUSES):
            before = len(self)
            if before >= MOST:
                return
            self._pause(PAUSE_SECONDS)
            if len(self) == before:
                return

    def leave(self, turns: Sequence[_Turn]) -> None:
        """Take the first out of the line, tell them, and call whoever is next.

        Those who are told call each other one by one: a crowd called at once would push aside whoever calls.
        """
        with self._lock:
            for _ in turns:
                self._waiting.popleft()
            following = self._waiting[0] if self._waiting else None
            self._is_crowded = len(turns) > 1
        for turn in turns:
            turn.is_done = True
        for turn, after in pairwise(turns[1:]):
            turn.calls = after
        if following is not None:
            following.call()
        for turn in turns[1:2]:
            turn.call()
