"""One run of a campaign worker: claim, compose, hand over, settle, for as long as there is work.

No transaction is open while the relay is spoken to. Every 100 ms, and before a body when that is longer
ago, the database is asked what has changed, so that pause, cancel and withdrawal take effect within a
second whatever state Redis is in.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterator
from datetime import timedelta

from mailer import campaigns, delivery, destinations
from mailer.campaigns import CampaignState
from mailer.delivery import Recipient, Result, Standing, Wait
from mailer.foundation.addresses import mask_addresses
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, Unavailable
from mailer.jobs.ledger import Ledger
from mailer.jobs.mailings import Mailing, Mailings
from mailer.jobs.patience import keep_settling
from mailer.jobs.queueing import Aside
from mailer.jobs.runner import Shift, carrier
from mailer.transport import (
    About,
    Envelope,
    JournalFailed,
    Outcome,
    OutcomeKind,
    RelayRefused,
    RelayUnavailable,
)

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
STALE_SECONDS = 0.4  # nothing is begun on what was known longer ago than this
EVERYBODY_SECONDS = 5.0
LEASE_SECONDS = 20.0
SHORT_WAIT = 1.0  # seconds that a mail may wait in hand; else its row waits


class Drain:
    """One run. Everything claimed is in `_open` until its result is known."""

    def __init__(self, shift: Shift, *, until: float) -> None:
        self.sent = 0
        self.has_moved = False  # whether any row went from one state to another
        self._shift = shift
        self._until = until  # monotonic
        self._open: dict[int, Recipient] = {}
        self._allowed: set[int] = set()  # whose body may have been written
        self._aside = Aside()
        self._mailings = Mailings(shift)
        self._ledger = Ledger(shift, self._mailings)
        self._standing = Standing(frozenset())
        self._refused: frozenset[int] = frozenset()
        self._halted: dict[int, str] = {}  # campaigns to pause, and why
        self._destinations: set[str] = set()  # of everybody who was in hand
        self._resting: dict[str, str] = {}  # destinations to leave alone, and what they said
        self._back_at = 0.0  # monotonic: until then somebody comes back whom the relay put off
        self._lookout = delivery.Lookout(shift.owner)
        self._pacer = shift.pacer
        self._retries = delivery.retries()
        self._leased_at = self._everybody_at = time.monotonic()
        self._looked_at = 0.0
        self._is_database_down = False
        self._is_given_up = False  # the lease ran out while people were in hand

    @property
    def settled(self) -> int:
        """How many tries were written down."""
        return self._ledger.settled

    def run(self) -> None:
        """Send until nothing is due, the time is over, or the process is to end.

        Raises Unavailable or JournalFailed when the database or the journal cannot be used; even then
        everything is settled first, or the process is told to end and leave it to recovery.
        """
        try:
            self._look()
            with unit_of_work():
                # A claim whose commit was not answered may have left people in hand: nothing was sent.
                delivery.settle_owner(self._shift.owner, {}, ())
            self._pacer.begin(settings().smtp_connections)
            self._look_at_everybody()
            carrier(settings().smtp_connections).deliver(
                self._envelopes(),
                journal=self._shift.journal,
                allow=self._allow,
                poll=self._poll,
                on_outcome=self._note,
            )
        except RelayUnavailable as error:
            self._wind_up()
            self._hold(error)
        finally:
            try:
                self._wind_up()
            finally:
                self._ledger.close()

    def _wind_up(self) -> None:
        """Leave nothing claimed, whatever happens; else this process ends and recovery sees to it."""
        try:
            self._settle_everything()
        except BaseException as error:
            self._shift.give_up(f"{type(error).__name__}: {error}")
            raise

    # What goes out

    def _envelopes(self) -> Iterator[Envelope | None]:
        while not self._must_stop:
            moment = time.monotonic()
            room = self._pacer.relay.room(moment)
            if room == 0:
                yield None  # the relay wants less just now
                continue
            ready = list(self._aside.take_ready(moment, room))
            batch = self._next_batch() if room is None or not ready else []
            has_offered = False
            for recipient in (*batch, *ready):
                envelope = self._offer(recipient)
                if envelope is not None:
                    has_offered = True
                    yield envelope
            if not batch and not self._aside and not ready and moment > self._back_at:
                return
            del batch  # what is done with makes room before the next people are read
            if not has_offered:
                yield None  # so that the wire is served, and the database looked at again

    def _next_batch(self) -> list[Recipient]:
        """Claim for the next campaign in turn; empty when nothing is due anywhere."""
        with unit_of_work():
            waiting = delivery.list_sending()
        if not self._standing.sending.issuperset(waiting) and not self._look_safely():
            return []  # one began since the last look
        for campaign_id in self._mailings.in_turn(waiting):
            if not self._aside.holds_back(campaign_id):
                recipients = self._claim(campaign_id)
                if recipients:
                    return recipients
        return []

    def _claim(self, campaign_id: int) -> list[Recipient]:
        while not self._must_stop and campaign_id not in self._halted:
            with unit_of_work():
                has_more = delivery.plan(campaign_id)
            with unit_of_work():
                mailing = self._prepare(campaign_id)
                if mailing is None or not self._keep_lease():
                    break
                limit = self._mailings.size_for(mailing, self._pacer)
                claim = delivery.claim(
                    campaign_id, self._shift.owner, limit=limit, blocked=self._pacer.blocked
                )
            self.has_moved = self.has_moved or has_more or not claim.is_empty
            if claim.recipients:
                self._mailings.began(campaign_id)
                self._open.update((one.delivery_id, one) for one in claim.recipients)
                self._ledger.claimed(claim.recipients)
                if len(self._destinations) < 2:
                    self._destinations.update(one.destination for one in claim.recipients)
                return list(claim.recipients)
            if claim.is_empty and not has_more:
                break
        return []

    def _prepare(self, campaign_id: int) -> Mailing | None:
        """Compile the campaign once a run; one that cannot be compiled is halted."""
        try:
            return self._mailings.prepare(campaign_id)
        except Invalid as error:
            self._halted[campaign_id] = f"Paused: the mail cannot be made. {error}"
            return None

    def _offer(self, recipient: Recipient) -> Envelope | None:
        """The mail to one person, if it may go now; else it waits, here or in its row."""
        if not self._may_go(recipient):
            self._free(recipient)
            return None
        mailing = self._mailings.of(recipient)
        if not self._pacer.is_free:
            wait = self._pacer.allow(recipient, mailing.organisation_id, mailing.sender)
            if wait is not None:
                self._put_off(recipient, wait)
                return None
        try:
            envelope = mailing.composer.compose(recipient)
        except Invalid as error:
            text = next(iter(error.fields.values()), str(error))
            self._close(
                delivery.unrenderable(recipient.delivery_id, now(), text, recipient.batch_id)
            )
            self._pacer.unused(recipient)
            self._halt(recipient.campaign_id, mailing.alarm.not_rendered(text), recipient.address)
            return None
        mailing.alarm.rendered()
        return envelope

    def _put_off(self, recipient: Recipient, wait: Wait) -> None:
        if wait.is_general or wait.seconds <= SHORT_WAIT:
            self._aside.put(recipient, time.monotonic() + wait.seconds, wait.is_general)
        else:
            self._free(recipient, timedelta(seconds=wait.seconds))

    # What the transport asks

    def _allow(self, key: str) -> bool:
        """Asked immediately before a body is written (C-061)."""
        if self._is_stale and (not self._look_safely() or self._is_stale):
            return False
        recipient = self._open.get(_id_of(key))
        if recipient is None or not self._may_go(recipient):
            return False
        self._allowed.add(recipient.delivery_id)
        return True

    def _poll(self) -> bool:
        """Asked every 100 ms: look again, settle, stay alive; False once nothing more may begin."""
        moment = time.monotonic()
        self._pacer.relay.measure(self.sent, moment)
        try:
            if moment - self._looked_at >= LOOK_SECONDS and not self._look_safely():
                return False
            if self._ledger.is_due(moment):
                self._settle()
            if moment - self._everybody_at > EVERYBODY_SECONDS:
                self._look_at_everybody()
            if moment - self._leased_at > LEASE_SECONDS:
                with unit_of_work():
                    self._keep_lease()
                self._leased_at = moment
        except Unavailable:
            self._is_database_down = True
        except JournalFailed as error:
            self._shift.give_up(str(error))
        return not self._must_stop

    def _note(self, outcome: Outcome) -> None:
        """Keep what became of one mail until it is settled."""
        recipient = self._open.get(_id_of(outcome.key))
        if recipient is None:
            return
        self._allowed.discard(recipient.delivery_id)
        is_usual = outcome.kind is OutcomeKind.ACCEPTED and self._pacer.is_free
        again = None if is_usual else self._learn(recipient, outcome)
        self._close(
            delivery.result_of(
                recipient.delivery_id,
                recipient.attempts,
                outcome,
                first_tried_at=recipient.first_tried_at,
                batch_id=recipient.batch_id,
                retries=self._retries,
                again=again,
            )
        )
        campaign_id = recipient.campaign_id
        if outcome.kind is OutcomeKind.ACCEPTED:
            self.sent += 1
            self._ledger.taken(campaign_id)
            self._shift.rest.end()
        alarm = self._mailings.of(recipient).alarm
        self._halt(campaign_id, alarm.hear(outcome, recipient.destination), recipient.address)

    def _learn(self, recipient: Recipient, outcome: Outcome) -> timedelta | None:
        """Tell the pacer; when the mail comes back if the relay as a whole wants us slower."""
        is_taken = outcome.kind is OutcomeKind.ACCEPTED
        was_free = self._pacer.relay.is_free
        answer = self._pacer.heard(recipient, outcome, self.sent)
        if was_free and not self._pacer.relay.is_free:
            self._resting.clear()  # what looked like one destination's wish is the relay's
        elif answer is not None and len(self._destinations) == 1:
            self._pacer.take_for_the_relays(recipient, answer, self.sent)
        elif answer is not None:
            self._resting[recipient.destination] = answer
        if is_taken or not self._pacer.is_the_relays:
            return None
        self._back_at = time.monotonic() + delivery.AGAIN_AT_THE_RELAY.total_seconds() + 1.0
        return delivery.AGAIN_AT_THE_RELAY

    # What stops it

    @property
    def _must_stop(self) -> bool:
        is_stopped = self._shift.is_over or self._is_database_down or self._is_given_up
        return is_stopped or time.monotonic() > self._until

    @property
    def _is_stale(self) -> bool:
        return time.monotonic() - self._looked_at > STALE_SECONDS

    def _may_go(self, recipient: Recipient) -> bool:
        return (
            not self._is_given_up
            and self._standing.allows(recipient)
            and recipient.campaign_id not in self._halted
            and recipient.delivery_id not in self._refused
        )

    def _look(self) -> None:
        asked_at = time.monotonic()  # an answer may have been held up on its way
        self._standing, self._looked_at = self._lookout.look(), asked_at
        self._is_given_up |= bool(self._open) and not self._standing.is_owner

    def _keep_lease(self) -> bool:
        """Stay alive; False when others gave up what is in hand: then this run ends."""
        if self._open and not delivery.extend_lease(self._shift.owner):
            self._is_given_up = True
        return not self._is_given_up

    def _look_safely(self) -> bool:
        """Look; False when it cannot be asked whether anybody has withdrawn, so that nothing begins."""
        try:
            self._look()
        except Unavailable:
            self._is_database_down = True
            return False
        return True

    def _look_at_everybody(self) -> None:
        with unit_of_work():
            self._refused = self._lookout.look_at_everybody()
            self._pacer.know(destinations.list_all_limits(), destinations.list_blocked())
        self._everybody_at = time.monotonic()
        self._tell_of_the_relay(self._everybody_at)

    def _tell_of_the_relay(self, moment: float) -> None:
        """Say on the campaigns that the relay takes nothing and wants less; pause them after minutes."""
        since, answer = self._pacer.relay.nothing_since, self._pacer.asked
        if since is None or moment - since < EVERYBODY_SECONDS:
            return
        if self._pacer.stuck(moment):
            for campaign_id in self._mailings.seen:
                self._halt(campaign_id, delivery.why_paused(About.PACE, answer))
            return
        with unit_of_work():
            for campaign_id in self._mailings.seen:
                campaigns.hold(campaigns.get_campaign_by_id(campaign_id), delivery.why_slow(answer))

    def _halt(self, campaign_id: int, because: str | None, address: str | None = None) -> None:
        """Pause a campaign soon; the sentence quotes a reply about `address`, and others read it."""
        if because is not None:
            self._halted.setdefault(campaign_id, mask_addresses(because, address))

    def _free(self, recipient: Recipient, after: timedelta | None = None) -> None:
        """Give a row back that was certainly not sent, to be due now or later."""
        moment = now()
        self._close(
            delivery.unsent(
                recipient.delivery_id,
                moment,
                batch_id=recipient.batch_id,
                due_at=None if after is None else moment + after,
            )
        )

    def _close(self, result: Result) -> None:
        del self._open[result.delivery_id]
        self._ledger.add(result)

    def _hold(self, error: RelayUnavailable) -> None:
        """The relay cannot be used: nothing is lost, and the marketer is told."""
        seen, advice = self._mailings.seen, delivery.advise(str(error))
        if isinstance(error, RelayRefused):
            self._halted = dict.fromkeys(seen, f"Paused: {error} {advice}".rstrip())
            self._pause_halted()
            return
        again = now() + timedelta(seconds=self._shift.rest.begin())
        sentence = (
            f"{error} Nothing is lost; we try again at {again:%H:%M:%S} UTC. {advice}".rstrip()
        )
        with unit_of_work():
            for campaign_id in seen:
                campaigns.hold(campaigns.get_campaign_by_id(campaign_id), sentence)

    # What is written down

    def _settle(self, *, to_the_end: bool = False) -> None:
        """Have what is known so far written down. Raises Unavailable or JournalFailed."""
        if self._resting:
            self._let_rest()
        self._turn(to_the_end=to_the_end)
        if self._halted:
            self._turn(to_the_end=True)  # a pause forgets what was told of the campaign before it
            self._pause_halted()

    def _turn(self, *, to_the_end: bool) -> None:
        for campaign_id, because in self._ledger.turn(to_the_end=to_the_end).items():
            self._halt(campaign_id, because)

    def _let_rest(self) -> None:
        with unit_of_work():
            for destination, answer in self._resting.items():
                destinations.back_off(destination, answer)
            self._pacer.know(destinations.list_all_limits(), destinations.list_blocked())
        self._resting = {}

    def _pause_halted(self) -> None:
        for campaign_id, because in self._halted.items():
            alarm = self._shift.alarms.pop(campaign_id, None)
            series = None if alarm is None else alarm.series
            try:
                with unit_of_work():
                    campaign = campaigns.get_campaign_by_id(campaign_id)
                    if campaign.state is CampaignState.SENDING:
                        campaigns.pause(campaign, because)
                        delivery.forget_alarm(campaign_id)
                    if series is not None and campaign.state is CampaignState.PAUSED:
                        delivery.give_back(campaign_id, series)
                        self._pacer.relay.forget()
            except NotAllowed:
                log.info("somebody else stopped the campaign first")

    def _settle_everything(self) -> None:
        """What may have been sent without an answer is uncertain, the rest is planned again."""
        for recipient in list(self._open.values()):
            if recipient.delivery_id in self._allowed:
                self._close(
                    delivery.uncertain(recipient.delivery_id, now(), batch_id=recipient.batch_id)
                )
            else:
                self._free(recipient)
        settle = functools.partial(self._settle, to_the_end=True)
        keep_settling(self._shift, settle, lambda: len(self._ledger))


def _id_of(key: str) -> int:
    return int(key[len(delivery.KEY_PREFIX) :])
