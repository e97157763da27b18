"""The campaigns of one run: each compiled once, taken in turn, in batches of about a second."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mailer import campaigns, organisations
from mailer.delivery import Alarm, Composer, Pacer, Recipient
from mailer.foundation.errors import Invalid
from mailer.jobs.runner import Shift

FIRST_BATCH, SMALLEST_BATCH, LARGEST_BATCH = 200, 50, 2_000
BATCH_SECONDS = 1.0


@dataclass(slots=True)
class Mailing:
    """One campaign as this worker sends it."""

    composer: Composer
    organisation_id: int
    sender: str  # public id
    alarm: Alarm


class Mailings:
    """What is being sent in this run."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._known: dict[int, Mailing] = {}
        self._last = 0
        self._size = FIRST_BATCH
        self._began_at: float | None = None

    @property
    def seen(self) -> Collection[int]:
        """The campaigns of this run."""
        return self._known.keys()

    def items(self) -> Iterable[tuple[int, Mailing]]:
        return self._known.items()

    def alarm_of(self, campaign_id: int) -> Alarm:
        """What counts the answers of a campaign of this run."""
        return self._known[campaign_id].alarm

    def of(self, recipient: Recipient) -> Mailing:
        """The campaign that a claimed person belongs to."""
        return self._known[recipient.campaign_id]

    def in_turn(self, waiting: list[int]) -> list[int]:
        """Campaigns in the order they come next, so that a large one does not hold up a small one."""
        after = [one for one in waiting if one > self._last]
        return [*after, *(one for one in waiting if one <= self._last)]

    def prepare(self, campaign_id: int) -> Mailing:
        """Compile a campaign, once in a run. Raises Invalid."""
        if campaign_id not in self._known:
            campaign = campaigns.get_campaign_by_id(campaign_id)
            composer = Composer(campaign)
            if campaign.sender_id is None:
                raise Invalid("This campaign has no sender.")
            self._known[campaign_id] = Mailing(
                composer,
                campaign.organisation_id,
                organisations.get_sender_by_id(campaign.sender_id).public_id,
                self._shift.alarms.setdefault(campaign_id, Alarm()),
            )
        return self._known[campaign_id]

    def size_for(self, mailing: Mailing, pacer: Pacer) -> int:
        """How many to claim: a second's work, so that a pause never leaves much in hand."""
        rate = pacer.most_at_once(mailing.organisation_id, mailing.sender)
        if rate is None:
            return self._size
        return max(1, min(self._size, int(rate * BATCH_SECONDS)))

    def began(self, campaign_id: int) -> None:
        """A batch was claimed; the next one is as large as this one's pace suggests."""
        moment = time.monotonic()
        if self._began_at is not None:
            took = max(0.05, moment - self._began_at)
            wanted = int(self._size * min(2.0, max(0.5, BATCH_SECONDS / took)))
            self._size = max(SMALLEST_BATCH, min(LARGEST_BATCH, wanted))
        self._began_at = moment
        self._last = campaign_id
