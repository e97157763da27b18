"""What one run has learnt and not yet written down.

On PostgreSQL a page of it is written by a thread of its own, so that the wire goes on while the server
works; SQLite does its work in this process, where a second thread would only be in the way. Either way
the journal forgets a page only after its commit.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from mailer import campaigns, delivery
from mailer.delivery import Everywhere, Heard, Recipient, Result
from mailer.foundation.database import is_sqlite, unit_of_work
from mailer.jobs.mailings import Mailings
from mailer.jobs.runner import Shift
from mailer.transport import Mark

SETTLE_SECONDS, SETTLE_COUNT = 0.5, 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """What is written down together; doing it twice changes nothing but the tallies of the alarm."""

    results: list[Result]
    done: list[int]  # batches of which nobody is in hand any more
    heard: dict[int, Heard]  # by campaign
    well: frozenset[int]  # campaigns the relay took something of
    mark: Mark  # where the journal was


class Ledger:
    """Results of a run until they are written down, and how many of each batch have none yet."""

    def __init__(self, shift: Shift, mailings: Mailings) -> None:
        self.settled = 0
        self._shift = shift
        self._mailings = mailings
        self._results: list[Result] = []
        self._in_batch: Counter[int] = Counter()
        self._well: set[int] = set()
        self._page: Page | None = None  # begun, and not known to be written
        self._writing: Future[dict[int, Everywhere]] | None = None
        self._clerk = None if is_sqlite() else ThreadPoolExecutor(1, "ledger")
        self._begun_at = time.monotonic()

    def __len__(self) -> int:
        return len(self._results) + (0 if self._page is None else len(self._page.results))

    def claimed(self, recipients: Iterable[Recipient]) -> None:
        """People of a batch are in hand now."""
        self._in_batch.update(one.batch_id for one in recipients)

    def add(self, result: Result) -> None:
        """Keep what became of somebody in hand."""
        self._results.append(result)

    def taken(self, campaign_id: int) -> None:
        """The relay took a mail of a campaign: it can be used again."""
        self._well.add(campaign_id)

    def is_due(self, moment: float) -> bool:
        """Whether `turn` has something to do at `moment` (monotonic)."""
        return (self._writing is not None and self._writing.done()) or self._is_full(moment)

    def turn(self, *, to_the_end: bool) -> dict[int, str]:
        """Finish the page that was begun, then begin the next; why campaigns are to be paused.

        With `to_the_end` everything is written down when this returns; else a page that is being written
        is left alone. Raises Unavailable, after which the next call writes the same page again, and
        JournalFailed.
        """
        if self._writing is not None and not self._writing.done() and not to_the_end:
            return {}
        reasons = self._finish()
        if to_the_end or self._is_full(time.monotonic()):
            self._begun_at = time.monotonic()
            if self._results:
                self._page = self._begin()
                if self._clerk is not None and not to_the_end:
                    self._writing = self._clerk.submit(self._write_aside, self._page)
                else:
                    reasons |= self._finish()
        return reasons

    def close(self) -> None:
        """Let the thread go; it ends what it has begun."""
        if self._clerk is not None:
            self._clerk.shutdown()

    def _is_full(self, moment: float) -> bool:
        waiting = len(self._results)
        return waiting >= SETTLE_COUNT or moment - self._begun_at > SETTLE_SECONDS

    def _begin(self) -> Page:
        settled = Counter(one.batch_id for one in self._results)
        self._in_batch.subtract(settled)
        page = Page(
            results=self._results,
            done=[one for one in settled if one and not self._in_batch[one]],
            heard={
                campaign_id: heard
                for campaign_id, mailing in self._mailings.items()
                if campaign_id in self._shift.alarms  # a pause has others count anew
                and not (heard := mailing.alarm.take_heard()).is_empty
            },
            well=frozenset(self._well),
            mark=self._shift.journal.mark(),
        )
        self._in_batch += Counter()  # drops what is empty
        self._results, self._well = [], set()
        return page

    def _finish(self) -> dict[int, str]:
        """See the page written, by the thread or else here, and let the journal forget it."""
        page, writing = self._page, self._writing
        if page is None:
            return {}
        self._writing = None
        everywhere = _write(self._shift.owner, page) if writing is None else writing.result()
        self._page = None
        self.settled += sum(one.is_try for one in page.results)
        self._shift.journal.clear(page.mark)
        reasons = {}
        for campaign_id, all_heard in everywhere.items():
            because = self._mailings.alarm_of(campaign_id).hear_of_all(all_heard)
            if because is not None:
                reasons[campaign_id] = because
        return reasons

    def _write_aside(self, page: Page) -> dict[int, Everywhere]:
        with self._shift.app.app_context():
            return _write(self._shift.owner, page)


def _write(owner: str, page: Page) -> dict[int, Everywhere]:
    """Write a page down; what all workers heard of its campaigns. Raises Unavailable."""
    if page.well:
        with unit_of_work():
            for campaign_id in page.well:
                campaigns.clear_hold(campaigns.get_campaign_by_id(campaign_id))
    with unit_of_work():
        delivery.settle(owner, page.results, done=page.done)
        return {one: delivery.share_heard(one, heard) for one, heard in page.heard.items()}
