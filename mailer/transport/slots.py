"""How many connections may be made and when: one scout first, and patience after failures (pure).

As long as it is not known whether the relay can be used, one connection goes alone. When the last
connection is lost, one goes alone again. A relay that was never usable gets one chance, another
three in a row; a single connection that fails while others work waits longer each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailer.transport.phases import Fault
from mailer.transport.relay import Timeouts

FAILURES_IN_A_ROW: Final = 3


@dataclass(slots=True, eq=False)
class Slot:
    """The right to one connection. `not_before` is a time of the monotonic clock in seconds."""

    failures: int = 0
    not_before: float = 0.0
    is_taken: bool = False


class Slots:
    """The slots of one run."""

    def __init__(self, connections: int, patience: Timeouts) -> None:
        self.last_fault = Fault("relay", "was not reached")
        self._slots = [Slot() for _ in range(max(1, connections))]
        self._patience = patience
        self._was_usable = False
        self._scouting = True
        self._scout_at = 0.0
        self._failures = 0  # in a row that left no connection at all

    @property
    def is_scouting(self) -> bool:
        """Whether one connection goes alone."""
        return self._scouting

    @property
    def is_given_up(self) -> bool:
        """Whether the relay had its chances."""
        return self._failures >= (FAILURES_IN_A_ROW if self._was_usable else 1)

    def free(self, now: float) -> Iterator[Slot]:
        """The slots that may dial at `now`; the caller takes as many as it has work for."""
        if not self._scouting:
            yield from (s for s in self._slots if not s.is_taken and s.not_before <= now)
        elif now >= self._scout_at and not (self.is_given_up or self._has_taken()):
            yield self._slots[0]

    def found_usable(self) -> None:
        """A connection is ready for mail."""
        self._scouting, self._was_usable = False, True

    def answered(self, slot: Slot) -> None:
        """A mail got its answer: earlier failures are forgotten."""
        slot.failures = self._failures = 0

    def send_scout(self) -> None:
        """A connection went without fault of the relay; if it was the last, go alone again."""
        self._scouting = self._scouting or not self._has_taken()

    def count_fault(self, slot: Slot, fault: Fault, now: float) -> None:
        """The connection of `slot`, already given back, failed."""
        self.last_fault = fault
        slot.not_before = now + self._wait(slot.failures)
        slot.failures += 1
        if not self._has_taken():
            self._scouting = True
            self._scout_at = now + self._wait(self._failures)
            self._failures += 1

    def _has_taken(self) -> bool:
        return any(slot.is_taken for slot in self._slots)

    def _wait(self, failures: int) -> float:
        patience = self._patience
        return min(patience.reconnect * 2.0 ** min(failures, 30), patience.reconnect_most)
