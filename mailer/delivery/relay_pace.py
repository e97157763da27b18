"""The pace at which the relay as a whole takes mail from one worker, found by its own answers. Pure.

Nothing is held back until the relay says that it is too much. Then the number of mails on their way, or
their rate, is cut by a part, and grows again by a little with each mail that is taken (additive increase,
multiplicative decrease). A relay that takes nothing at all is tried less and less often.
"""

from __future__ import annotations

from collections import deque

CUT_RATE = 0.85
CUT_AT_ONCE = 0.75
GROWTH_OF_RATE = 0.03  # mails a second, for each mail taken: three percent a second
GROWTH_AT_ONCE = 0.2  # for each mail taken
BURST_SECONDS = 0.25  # of permits that may be saved up, as the wire is served in rounds
SLOWEST = 0.1  # mails a second
FIRST_REST, LONGEST_REST = 0.5, 30.0  # seconds between tries while nothing is taken
WELL_AFTER = 60.0  # seconds without such an answer, after which nothing is held back
MEASURED_SECONDS = 1.0


class RelayPace:
    """What one worker knows of the relay; all moments are monotonic seconds."""

    def __init__(self) -> None:
        self.rate: float | None = None  # mails a second
        self.at_once: float | None = None
        self.nothing_since: float | None = None  # first such answer after the last mail taken
        self._most = 1  # connections
        self._good_rate = 0.0  # up to here it grows quickly
        self._permits = 0.0
        self._filled_at = 0.0
        self._rest_until = 0.0
        self._cut_at = 0.0
        self._cuts = 0  # a mail that began before the last one says nothing new
        self._cuts_for_nothing = 0  # in a row, without a mail taken between
        self._flying: dict[int, int] = {}  # mails on their way, and how many cuts there were before
        self._taken: deque[tuple[float, int]] = deque()

    @property
    def is_free(self) -> bool:
        """Whether nothing is held back."""
        return self.rate is None and self.at_once is None

    def begin(self, connections: int, moment: float) -> None:
        """A run begins: nothing is on its way."""
        self._most = connections
        self._flying.clear()
        self._taken = deque([(moment, 0)])

    def forget(self) -> None:
        """Begin to find out anew: what the relay said may be mended by now."""
        self.rate = self.at_once = self.nothing_since = None
        self._cuts_for_nothing, self._rest_until = 0, 0.0

    def measure(self, taken: int, moment: float) -> None:
        """Take note of how many mails of this run the relay has taken so far."""
        self._taken.append((moment, taken))
        while len(self._taken) > 1 and self._taken[1][0] <= moment - MEASURED_SECONDS:
            self._taken.popleft()
        if not self.is_free and self._is_well(moment):
            self.rate = self.at_once = None

    def room(self, moment: float) -> int | None:
        """How many mails may go now; None for as many as there are."""
        if self.is_free:
            return None
        if moment < self._rest_until:
            return 0
        room = self._most * 2
        if self.at_once is not None:
            room = min(room, max(1, int(self.at_once)) - len(self._flying))
        if self.rate is not None:
            burst = max(1.0, self.rate * BURST_SECONDS)
            saved = self._permits + (moment - self._filled_at) * self.rate
            self._permits, self._filled_at = min(burst, saved), moment
            room = min(room, int(self._permits))
        return max(0, room)

    def go(self, delivery_id: int) -> None:
        """A mail is on its way."""
        self._flying[delivery_id] = self._cuts
        self._permits -= 1

    def landed(self, delivery_id: int) -> int:
        """A mail is not on its way any more; how many cuts there were before it began."""
        return self._flying.pop(delivery_id, 0)

    def taken(self) -> None:
        """The relay took a mail."""
        self.nothing_since = None
        self._cuts_for_nothing, self._rest_until = 0, 0.0
        if self.rate is not None:
            self.rate += 1.0 if self.rate < self._good_rate else GROWTH_OF_RATE
        if self.at_once is not None:
            self.at_once += GROWTH_AT_ONCE

    def refused(self, cuts_before: int, taken: int, moment: float, *, at_once: bool) -> None:
        """The relay says it is too much: too many `at_once`, or too fast. `taken` as in `measure`."""
        if self.nothing_since is None:
            self.nothing_since = moment
        if cuts_before < self._cuts:
            return
        self._cuts += 1
        self._cut_at = moment
        self._cuts_for_nothing += 1
        if at_once:
            before = float(self._most) if self.at_once is None else self.at_once
            self.at_once = max(1.0, min(before - 1, before * CUT_AT_ONCE))
        else:
            self._cut_rate(taken, moment)
        if self._cuts_for_nothing > 1:
            rest = FIRST_REST * 2.0 ** min(self._cuts_for_nothing - 2, 10)
            self._rest_until = moment + min(LONGEST_REST, rest)

    def refused_anew(self, taken: int, moment: float) -> None:
        """The same as `refused`, of a mail that began after the last cut: it is too fast."""
        self.refused(self._cuts, taken, moment, at_once=False)

    def _cut_rate(self, taken: int, moment: float) -> None:
        if self.rate is None:
            began, before = self._taken[0] if self._taken else (moment, taken)
            self.rate = max(1.0, (taken - before) / max(MEASURED_SECONDS, moment - began))
            self._good_rate = self.rate
        elif self._cuts_for_nothing > 1:
            self.rate = max(SLOWEST, self.rate / 2)
        else:
            self.rate = max(SLOWEST, self.rate * CUT_RATE)
            self._good_rate = self.rate
        self._permits, self._filled_at = 0.0, moment

    def _is_well(self, moment: float) -> bool:
        return self.nothing_since is None and moment - self._cut_at > WELL_AFTER
