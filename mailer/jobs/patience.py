"""Patience: with a database that is down while results wait, and with others who want to write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Unavailable
from mailer.foundation.turns import PAUSE_SECONDS
from mailer.jobs.runner import Shift
from mailer.transport import JournalFailed

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
TELL_SECONDS = 10.0
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0


def keep_settling(shift: Shift, settle: Callable[[], None], count: Callable[[], int]) -> None:
    """Call `settle` until it succeeds; `count` says how many results wait for that.

    The log says at once that the database is waited for, again every ten seconds, and when it goes on.
    After two minutes, or when the process is to end, the results are left to the journal: the shift gives
    up. So it does when the journal fails.
    """
    began = time.monotonic()
    limit = began + PATIENCE_SECONDS
    wait = FIRST_WAIT
    told_at: float | None = None
    while True:
        try:
            settle()
        except Unavailable as error:
            moment = time.monotonic()
            if moment > limit or shift.is_over:
                shift.give_up(str(error))
                return
            if told_at is None or moment - told_at >= TELL_SECONDS:
                told_at = moment
                about = {"results": count(), "seconds_left": round(limit - moment)}
                log.warning("this worker waits for the database to write results down", extra=about)
            time.sleep(min(wait, limit - moment))
            wait = min(2 * wait, LONGEST_WAIT)
        except JournalFailed as error:
            shift.give_up(str(error))
            return
        else:
            if told_at is not None:
                waited = {"seconds": round(time.monotonic() - began, 1)}
                log.info("the database is back; this worker goes on", extra=waited)
            return


def in_turns(step: Callable[[], int]) -> int:
    """Do `step` in units of work of its own until it returns 0; others may write in between. The sum."""
    total = 0
    while True:
        with unit_of_work():
            count = step()
        if not count:
            return total
        total += count
        time.sleep(PAUSE_SECONDS)
