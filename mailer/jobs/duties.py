"""What the worker of each queue does of its own accord, and where that is written.

A worker loads what its queue needs and no more: the code of the whole service is half the memory of a
worker that sends.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from mailer.foundation import queue
from mailer.jobs.recovery import Settler

_PLACES = {
    queue.FIRST: "mailer.jobs.transactional:DUTIES",
    queue.BULK: "mailer.jobs.delivery:DUTIES",
    queue.UPKEEP: "mailer.jobs.schedule:DUTIES",
}


@dataclass(frozen=True, slots=True)
class Duties:
    """`settlers`: the kinds of mail it takes over, when it starts, from dead workers whose names begin with
    `owners`. `looking` makes, for its slot, what it does again and again while nobody can wake it.
    """

    settlers: Sequence[Settler]
    owners: str
    looking: Callable[[int], Callable[[], None]]


def duties_of(queue_name: str) -> Duties:
    """The duties of the worker of a queue."""
    return cast("Duties", pkgutil.resolve_name(_PLACES[queue_name]))
