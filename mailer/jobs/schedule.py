"""The clock: once a second it asks for the chores that are due. Several clocks do what one does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from mailer.foundation import queue
from mailer.jobs import upkeep, waking
from mailer.jobs.duties import Duties

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Chore:
    """A job without arguments that is due once in every `seconds`."""

    function: Callable[[], None]
    seconds: int

    @property
    def name(self) -> str:
        return self.function.__name__


CHORES = (
    Chore(upkeep.wake, 1),
    Chore(upkeep.advance_imports, 1),
    Chore(upkeep.recover, 10),
    Chore(upkeep.audit, 10),
    Chore(upkeep.look_up_domains, 10),
    Chore(upkeep.expire, 60),
    Chore(upkeep.reapply_erasures, 3600),
    Chore(upkeep.tidy_keys, 86_400),
)


class Calendar:
    """Says which chores are due; each once in its time, the first time at once."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}

    def due(self, at: float) -> list[Chore]:
        """The chores due at `at` (seconds since the epoch) that were not handed out yet."""
        due = [chore for chore in CHORES if self._done.get(chore.name) != at // chore.seconds]
        self._done.update((chore.name, int(at // chore.seconds)) for chore in due)
        return due


def run_clock(is_ending: Callable[[], bool]) -> None:
    """Tick until `is_ending`; while Redis is down it keeps trying and says so once."""
    calendar = Calendar()
    is_up = True
    while not is_ending():
        was_up, is_up = is_up, queue.is_up()
        if is_up:
            for chore in calendar.due(time.time()):
                waking.wake_upkeep(chore.name, every=chore.seconds)
        if was_up and not is_up:
            log.warning("Redis is down; the clock waits for it, the workers look for themselves")
        elif is_up and not was_up:
            log.info("Redis is back")
        time.sleep(TICK_SECONDS)


def _look_after_everything(_slot: int) -> Callable[[], None]:
    calendar = Calendar()

    def look() -> None:
        for chore in calendar.due(time.time()):
            chore.function()

    return look


DUTIES = Duties(settlers=upkeep.SETTLERS, owners="", looking=_look_after_everything)
