"""One run of a campaign worker: claim, compose, hand over, settle, for as long as there is work.

No transaction is open while the relay is spoken to. Between two claims, and every 200 ms, the database is
asked what has changed, so that pause, cancel and withdrawal take effect within a second whatever
state Redis is in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta

from mailer import campaigns, delivery
from mailer.campaigns import CampaignState
from mailer.delivery import Alarm, Composer, Recipient, Result
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, Unavailable
from mailer.jobs.runner import Shift, relay
from mailer.transport import (
    Envelope,
    JournalFailed,
    Outcome,
    OutcomeKind,
    RelayRefused,
    RelayUnavailable,
    deliver,
)

log = logging.getLogger(__name__)

FIRST_BATCH, SMALLEST_BATCH, LARGEST_BATCH = 200, 50, 1000
BATCH_SECONDS = 1.0
LOOK_SECONDS = 0.2
SETTLE_SECONDS, SETTLE_COUNT = 0.5, 300
LEASE_SECONDS = 20.0
PATIENCE_SECONDS = 120.0  # for a database that is down while results wait


class Drain:
    """One run. Everything claimed is in `_open` until its result is known."""

    def __init__(self, shift: Shift, *, until: float) -> None:
        self.sent = 0
        self.settled = 0
        self.has_moved = False  # whether any row went from one state to another
        self._shift = shift
        self._until = until  # monotonic
        self._open: dict[int, Recipient] = {}
        self._allowed: set[int] = set()  # whose body may have been written
        self._results: list[Result] = []
        self._freed: set[int] = set()  # claimed, certainly not sent, to be planned again
        self._sending: set[int] = set()
        self._refused: frozenset[int] = frozenset()
        self._halted: dict[int, str] = {}  # campaigns to pause, and why
        self._seen: set[int] = set()  # campaigns of this run
        self._well: set[int] = set()  # campaigns the relay took something of
        self._composers: dict[int, Composer] = {}
        self._last_campaign = 0
        self._size = FIRST_BATCH
        self._claimed_at = self._settled_at = self._looked_at = self._leased_at = time.monotonic()
        self._is_database_down = False

    def run(self) -> None:
        """Send until nothing is due, the time is over, or the process is to end.

        Raises Unavailable or JournalFailed when the database or the journal cannot be used; even then
        everything is settled first, or the process is told to end and leave it to recovery.
        """
        try:
            deliver(
                self._envelopes(),
                relay(),
                connections=settings().smtp_connections,
                journal=self._shift.journal,
                allow=self._allow,
                poll=self._poll,
                on_outcome=self._note,
            )
        except RelayUnavailable as error:
            self._wind_up()
            self._hold(error)
        finally:
            self._wind_up()

    def _wind_up(self) -> None:
        """Leave nothing claimed, whatever happens; else this process ends and recovery sees to it."""
        try:
            self._settle_everything()
        except BaseException as error:
            self._shift.give_up(f"{type(error).__name__}: {error}")
            raise

    # What goes out

    def _envelopes(self) -> Iterator[Envelope | None]:
        while (batch := self._next_batch()) is not None:
            for recipient in batch:
                envelope = self._compose(recipient)
                if envelope is not None:
                    yield envelope

    def _next_batch(self) -> list[Recipient] | None:
        """Claim for the next campaign in turn; None when nothing is due anywhere."""
        self._adapt_size()
        with unit_of_work():
            waiting = delivery.list_sending()
        self._sending.update(waiting)
        after = [one for one in waiting if one > self._last_campaign]
        before = [one for one in waiting if one <= self._last_campaign]
        for campaign_id in (*after, *before):
            recipients = self._claim(campaign_id)
            if recipients:
                self._last_campaign = campaign_id
                self._claimed_at = time.monotonic()
                return recipients
        return None

    def _claim(self, campaign_id: int) -> list[Recipient]:
        while not self._must_stop and campaign_id not in self._halted:
            with unit_of_work():
                has_more = delivery.plan(campaign_id)
            with unit_of_work():
                if not self._prepare(campaign_id):
                    break
                owner = self._shift.owner
                claim = delivery.claim(campaign_id, owner, limit=self._size)
            self.has_moved = self.has_moved or has_more or not claim.is_empty
            if claim.recipients:
                self._seen.add(campaign_id)
                self._open.update((one.delivery_id, one) for one in claim.recipients)
                return list(claim.recipients)
            if claim.is_empty and not has_more:
                break
        return []

    def _prepare(self, campaign_id: int) -> bool:
        """Compile the campaign once a run; a campaign that cannot be compiled is halted."""
        if campaign_id not in self._composers:
            campaign = campaigns.get_campaign_by_id(campaign_id)
            try:
                self._composers[campaign_id] = Composer(campaign)
            except Invalid as error:
                self._halted[campaign_id] = f"Paused: the mail cannot be made. {error}"
                return False
        return True

    def _adapt_size(self) -> None:
        """Aim at one second a batch, so that a pause never leaves much claimed."""
        if self._open or self._seen:
            took = max(0.05, time.monotonic() - self._claimed_at)
            wanted = int(self._size * min(2.0, max(0.5, BATCH_SECONDS / took)))
            self._size = max(SMALLEST_BATCH, min(LARGEST_BATCH, wanted))

    def _compose(self, recipient: Recipient) -> Envelope | None:
        if not self._may_go(recipient):
            self._free(recipient.delivery_id)
            return None
        alarm = self._alarm(recipient.campaign_id)
        try:
            envelope = self._composers[recipient.campaign_id].compose(recipient)
        except Invalid as error:
            text = next(iter(error.fields.values()), str(error))
            self._open.pop(recipient.delivery_id)
            self._results.append(delivery.unrenderable(recipient.delivery_id, now(), text))
            self._halt(recipient.campaign_id, alarm.not_rendered(text))
            return None
        alarm.rendered()
        return envelope

    # What the transport asks

    def _allow(self, key: str) -> bool:
        """Asked immediately before a body is written (C-061)."""
        recipient = self._open.get(_id_of(key))
        if recipient is None or not self._may_go(recipient):
            return False
        self._allowed.add(recipient.delivery_id)
        return True

    def _poll(self) -> bool:
        """Asked every 100 ms: settle, look again, stay alive; False once nothing more may begin."""
        moment = time.monotonic()
        try:
            waiting = len(self._results)
            if waiting >= SETTLE_COUNT or moment - self._settled_at > SETTLE_SECONDS:
                self._settle()
            if moment - self._looked_at >= LOOK_SECONDS:
                self._look()
            if moment - self._leased_at > LEASE_SECONDS:
                with unit_of_work():
                    delivery.extend_leases(self._shift.owner)
                self._leased_at = moment
        except Unavailable:
            # Whether anybody has withdrawn cannot be asked now, so nothing more is begun.
            self._is_database_down = True
        except JournalFailed as error:
            self._shift.give_up(str(error))
        return not self._must_stop

    def _note(self, outcome: Outcome) -> None:
        """Keep what became of one mail until it is settled."""
        recipient = self._open.pop(_id_of(outcome.key), None)
        if recipient is None:
            return
        self._allowed.discard(recipient.delivery_id)
        result = delivery.result_of(recipient.delivery_id, recipient.attempts, outcome)
        self._results.append(result)
        self._sent_or_not(recipient.campaign_id, outcome)

    def _sent_or_not(self, campaign_id: int, outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.ACCEPTED:
            self.sent += 1
            self._well.add(campaign_id)
            self._shift.rest.end()
        if delivery.is_about_the_sender(outcome):
            answer = f"{outcome.code} {outcome.text}"
            self._halt(campaign_id, f"Paused: the mail server refuses the sender: {answer}")
        else:
            self._halt(campaign_id, self._alarm(campaign_id).hear(outcome))

    # What stops it

    @property
    def _must_stop(self) -> bool:
        return self._shift.is_over or self._is_database_down or time.monotonic() > self._until

    def _may_go(self, recipient: Recipient) -> bool:
        return (
            recipient.campaign_id in self._sending
            and recipient.campaign_id not in self._halted
            and recipient.delivery_id not in self._refused
        )

    def _look(self) -> None:
        standing = delivery.look_again(self._shift.owner)
        self._sending, self._refused = set(standing.sending), standing.refused
        self._looked_at = time.monotonic()

    def _alarm(self, campaign_id: int) -> Alarm:
        return self._shift.alarms.setdefault(campaign_id, Alarm())

    def _halt(self, campaign_id: int, because: str | None) -> None:
        if because is not None:
            self._halted.setdefault(campaign_id, because)

    def _free(self, delivery_id: int) -> None:
        self._open.pop(delivery_id)
        self._freed.add(delivery_id)

    def _hold(self, error: RelayUnavailable) -> None:
        """The relay cannot be used: nothing is lost, and the marketer is told."""
        if isinstance(error, RelayRefused):
            self._halted = dict.fromkeys(self._seen, f"Paused: {error}")
            self._pause_halted()
            return
        again = now() + timedelta(seconds=self._shift.rest.begin())
        sentence = f"{error} Nothing is lost; we try again at {again:%H:%M:%S} UTC."
        with unit_of_work():
            for campaign_id in self._seen:
                campaigns.hold(campaigns.get_campaign_by_id(campaign_id), sentence)

    # What is written down

    def _settle(self) -> None:
        """Settle what is known so far, then forget it in the journal. Raises Unavailable."""
        if self._results or self._freed:
            with unit_of_work():
                delivery.settle(self._shift.owner, self._results)
                delivery.release(self._shift.owner, self._freed)
            self.settled += len(self._results)
            self._results, self._freed = [], set()
            self._shift.journal.clear()
        self._settled_at = time.monotonic()
        self._tell_well()
        self._pause_halted()

    def _tell_well(self) -> None:
        if self._well:
            with unit_of_work():
                for campaign_id in self._well:
                    campaigns.clear_hold(campaigns.get_campaign_by_id(campaign_id))
            self._well = set()

    def _pause_halted(self) -> None:
        for campaign_id, because in self._halted.items():
            self._shift.alarms.pop(campaign_id, None)
            try:
                with unit_of_work():
                    campaign = campaigns.get_campaign_by_id(campaign_id)
                    if campaign.state is CampaignState.SENDING:
                        campaigns.pause(campaign, because)
            except NotAllowed:
                log.info("somebody else stopped the campaign first")

    def _settle_everything(self) -> None:
        """What may have been sent without an answer is uncertain, the rest is planned again."""
        for delivery_id in list(self._open):
            if delivery_id in self._allowed:
                self._open.pop(delivery_id)
                self._results.append(delivery.uncertain(delivery_id, now()))
            else:
                self._free(delivery_id)
        limit = time.monotonic() + PATIENCE_SECONDS
        wait = 0.2
        while True:
            try:
                self._settle()
            except Unavailable as error:
                if time.monotonic() > limit or self._shift.is_over:
                    self._shift.give_up(str(error))
                    return
                time.sleep(wait)
                wait = min(2 * wait, 5.0)
            except JournalFailed as error:
                self._shift.give_up(str(error))
                return
            else:
                return


def _id_of(key: str) -> int:
    return int(key.removeprefix(delivery.KEY_PREFIX))
