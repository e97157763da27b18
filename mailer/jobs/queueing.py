"""Mails in hand that may not go yet, for want of a permit or of a place on the wire."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator

from mailer.delivery import Recipient


class Aside:
    """Recipients by the time they may be offered again."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Recipient, bool]] = []
        self._numbers = itertools.count()
        self._general: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, recipient: Recipient, ready_at: float, is_general: bool) -> None:
        """Keep a mail until `ready_at` (monotonic); `is_general` when its whole campaign waits."""
        heapq.heappush(self._heap, (ready_at, next(self._numbers), recipient, is_general))
        self._general[recipient.campaign_id] += is_general

    def holds_back(self, campaign_id: int) -> bool:
        """Whether a campaign waits as a whole, so that nothing more of it is claimed."""
        return self._general[campaign_id] > 0

    def take_ready(self, moment: float, most: int | None = None) -> Iterator[Recipient]:
        """At most so many of those whose time has come, in their order; what is put back comes later."""
        ready: list[tuple[int, Recipient]] = []
        while self._heap and self._heap[0][0] <= moment and len(ready) != most:
            _, number, recipient, is_general = heapq.heappop(self._heap)
            self._general[recipient.campaign_id] -= is_general
            ready.append((number, recipient))
        for _, recipient in sorted(ready, key=lambda one: one[0]):
            yield recipient
