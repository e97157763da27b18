"""Turns at writing: how long a job may hold the database before others may write.

SQLite has one writer. A job that bounds its transactions by rows holds it for as long as those rows take, and
longer where rows are passed over that it does not count. So every transaction of a job is a turn that looks at
the clock: when its time is over it is committed, and the job comes again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

TURN_SECONDS = 0.1
PAUSE_SECONDS = 0.002  # between two turns: whoever waits asks several times in so long


class Turn:
    """One turn, which begins when it is made. It always gets one step further, however slow that step is."""

    __slots__ = ("_until",)

    def __init__(self, seconds: float = TURN_SECONDS) -> None:
        self._until = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it is time to commit and let others write."""
        return time.monotonic() >= self._until

    def repeat(self, step: Callable[[], int]) -> int:
        """Do `step` until it returns 0 or the turn is over; the sum of what it returned."""
        total = 0
        while count := step():
            total += count
            if self.is_over:
                break
        return total

    def take(self, items: Iterable[T]) -> Iterator[T]:
        """The items until the turn is over, one at least; what is not taken stays in an iterator."""
        for item in items:
            yield item
            if self.is_over:
                return
