"""Jobs of the queue `first`: service mails, ahead of every campaign, over one kept connection."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping

from mailer import delivery, imports, signup, subscriptions, transactional
from mailer.foundation import queue
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Unavailable
from mailer.jobs.duties import Duties
from mailer.jobs.patience import keep_settling
from mailer.jobs.runner import Shift, carrier, current, job
from mailer.transactional import MessageKind, TransactionalMessage
from mailer.transport import (
    Envelope,
    JournalFailed,
    Outcome,
    OutcomeKind,
    RelayUnavailable,
)

log = logging.getLogger(__name__)

KEY_PREFIX = "t"
BATCH = 50
SEND_SECONDS = 60.0


@job
def send_due() -> Mapping[str, object] | None:
    """Send every service mail that is due."""
    shift = current()
    if shift.rest.is_on or shift.is_over:
        return None
    run = _Run(shift)
    try:
        run.run()
    except RelayUnavailable as error:
        seconds = shift.rest.begin()
        log.warning("service mail waits", extra={"why": str(error), "seconds": seconds})
    return {"settled": run.settled} if run.settled else None


def settle_message(message: TransactionalMessage, outcome: Outcome) -> None:
    """Settle a claimed service mail; what asked for a consent becomes evidence (C-042)."""
    body, kind, owner = message.body, message.kind, message.owner
    if not transactional.settle(message, outcome, owner=owner):
        return
    delivery.note_service_bounce(message, outcome)
    if not body:
        return
    if kind is MessageKind.CONFIRMATION:
        signup.keep_mail_evidence(message, body, outcome)
    elif kind is MessageKind.PERMISSION:
        imports.keep_mail_evidence(message, body, outcome)
    elif kind is MessageKind.CHANGE_LINK:
        subscriptions.keep_fresh_mail(message, body, outcome)


class MessageSettler:
    """Service mails in recovery."""

    def settle_owner(
        self, owner: str, answered: Mapping[str, Outcome], at_risk: Collection[str]
    ) -> int:
        """Settle everything a dead `owner` left, by what its journal says; returns how many."""
        messages = transactional.release_expired(owner)
        for message in messages:
            key = f"{KEY_PREFIX}{message.id}"
            if key in at_risk:
                settle_message(message, _assumed(key, OutcomeKind.UNCERTAIN))
            else:
                settle_message(message, answered.get(key) or _assumed(key, OutcomeKind.UNSENT))
        return len(messages)

    def expire_leases(self, living: Collection[str]) -> int:
        """Give up mails whose lease is over and whose owner left no journal; returns how many."""
        expired = [one for one in transactional.release_expired() if one.owner not in living]
        for message in expired:
            settle_message(message, _assumed(f"{KEY_PREFIX}{message.id}", OutcomeKind.UNCERTAIN))
        return len(expired)


class _Run:
    """One run of the queue."""

    def __init__(self, shift: Shift) -> None:
        self.settled = 0
        self._shift = shift
        self._until = time.monotonic() + SEND_SECONDS
        self._open: dict[str, TransactionalMessage] = {}
        self._allowed: set[str] = set()
        self._outcomes: list[Outcome] = []

    def run(self) -> None:
        with unit_of_work():
            # A claim whose commit was not answered may have left mails in hand: nothing was sent.
            MessageSettler().settle_owner(self._shift.owner, {}, ())
        try:
            carrier(connections=1).deliver(
                self._envelopes(),
                journal=self._shift.journal,
                allow=self._allow,
                poll=self._poll,
                on_outcome=self._outcomes.append,
            )
        finally:
            self._wind_up()

    def _envelopes(self) -> Iterator[Envelope | None]:
        while True:
            with unit_of_work():
                messages = transactional.claim_due(self._shift.owner, BATCH)
                bodies = transactional.wire_bodies(messages)
                envelopes = list(map(_envelope, messages, bodies))
                claimed = {f"{KEY_PREFIX}{message.id}": message for message in messages}
            self._open.update(claimed)
            if not messages:
                return
            yield from envelopes

    def _allow(self, key: str) -> bool:
        self._allowed.add(key)
        return True

    def _poll(self) -> bool:
        try:
            self._settle()
        except Unavailable:
            return False
        except JournalFailed as error:
            self._shift.give_up(str(error))
        return not self._shift.is_over and time.monotonic() < self._until

    def _settle(self) -> None:
        outcomes = self._outcomes[:]
        if not outcomes:
            return
        with unit_of_work():
            for outcome in outcomes:
                message = self._open.get(outcome.key)
                if message is not None:
                    settle_message(message, outcome)
        del self._outcomes[: len(outcomes)]
        for outcome in outcomes:
            self._open.pop(outcome.key, None)
        if any(outcome.kind is not OutcomeKind.UNSENT for outcome in outcomes):
            self._shift.rest.end()
        self.settled += len(outcomes)
        self._shift.journal.clear()

    def _wind_up(self) -> None:
        """Leave nothing claimed; what may have been sent is uncertain, the rest is planned again."""
        known = {outcome.key for outcome in self._outcomes}
        for key in self._open.keys() - known:
            is_at_risk = key in self._allowed
            kind = OutcomeKind.UNCERTAIN if is_at_risk else OutcomeKind.UNSENT
            self._outcomes.append(_assumed(key, kind))
        keep_settling(self._shift, self._settle, lambda: len(self._outcomes))


def _envelope(message: TransactionalMessage, body: bytes) -> Envelope:
    return Envelope(
        key=f"{KEY_PREFIX}{message.id}",
        mail_from=message.from_address,
        rcpt_to=message.to_address,
        body=body,
    )


def _assumed(key: str, kind: OutcomeKind) -> Outcome:
    """An outcome that nobody heard, inferred from what the journal or this process knows."""
    is_uncertain = kind is OutcomeKind.UNCERTAIN
    return Outcome(
        key=key,
        kind=kind,
        code=None,
        enhanced=None,
        text="The sending process ended before the answer came." if is_uncertain else "",
        relay="",
        at=now(),
        stage="local",
        tls=False,
    )


DUTIES = Duties(
    settlers=[MessageSettler()], owners=f"{queue.FIRST}-", looking=lambda _slot: send_due
)
