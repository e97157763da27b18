"""From due to settled: claimed by a guarded UPDATE, settled after the relay's reply."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.organisations import signers_for
from mailer.rendering import Sealer
from mailer.transactional.evidence import is_about_us
from mailer.transactional.models import IS_CLAIMED, WAITS, TransactionalMessage
from mailer.transactional.states import MessageKind, MessageState
from mailer.transport import FOR_NOW, Outcome, OutcomeKind, read_outcome

LEASE = timedelta(minutes=15)  # longer than the ten minutes a reply may take (RFC 5321 4.5.3.2.6)
FIRST_RETRY = timedelta(minutes=1)
FIRST_RETRY_AT_LESS = timedelta(seconds=5)  # where the relay only wants less at once
LONGEST_RETRY = timedelta(hours=1)
LONGEST_REPLY = 2_000
SIGNATURE_FIELD = b"DKIM-Signature:"

_M = TransactionalMessage


def claim_due(owner: str, limit: int) -> list[TransactionalMessage]:
    """Take up to `limit` due mails for `owner`, oldest first; what has lost its sense is cancelled."""
    db.session.execute(
        sa.update(_M)
        .where(WAITS, _M.expires_at <= now())
        .values(
            state=MessageState.CANCELLED,
            body=None,
            settled_at=now(),
            # Whom a closing letter would have gone to was erased.
            to_address=sa.case((_M.kind == MessageKind.CLOSING, ""), else_=_M.to_address),
        )
    )
    due = (
        sa.select(_M.id)
        .where(WAITS, _M.due_at <= now())
        .order_by(_M.due_at, _M.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = db.session.scalars(
        sa.update(_M)
        .where(_M.id.in_(due.scalar_subquery()), WAITS)
        .values(
            state=MessageState.CLAIMED,
            owner=owner,
            lease_until=now() + LEASE,
            attempts=_M.attempts + 1,
        )
        .returning(_M)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(claimed, key=lambda message: message.id)


def wire_bodies(messages: Sequence[TransactionalMessage]) -> list[bytes]:
    """The mails as they go to the relay: signed where the domain of the sender has keys (E-040).

    Signed once, at the first try, and kept so: what becomes evidence is what left, byte for byte (C-042).
    """
    sealers: dict[tuple[int, str], Sealer | None] = {}
    bodies = []
    for message in messages:
        whose = message.organisation_id, message.from_address
        if whose not in sealers:
            signers = signers_for(*whose)
            sealers[whose] = Sealer(signers) if signers else None
        sealer, body = sealers[whose], message.body or b""
        if sealer and body and not body.startswith(SIGNATURE_FIELD):
            message.body = body = sealer.seal(body, int(now().timestamp()))
        bodies.append(body)
    db.session.flush()
    return bodies


def settle(message: TransactionalMessage, outcome: Outcome, *, owner: str | None) -> bool:
    """Write down what became of a mail that `owner` claimed; False when it is not theirs any more.

    A 4xx is tried again with back-off until the mail has lost its sense; UNCERTAIN never is (E-093). So is
    a 5xx that is about us and not the person, but for a test, whose author waits for the answer.
    """
    db.session.refresh(message, with_for_update=True)
    if message.state is not MessageState.CLAIMED or message.owner != owner:
        return False
    message.reply_code = outcome.code
    message.reply_text = outcome.text[:LONGEST_REPLY]
    message.relay = outcome.relay
    message.owner = None
    message.lease_until = None
    if outcome.kind is OutcomeKind.UNSENT:
        message.state = MessageState.PLANNED
        message.attempts -= 1
        message.due_at = now() + timedelta(seconds=5)
    elif outcome.kind is OutcomeKind.DEFERRED or (
        is_about_us(outcome) and message.kind is not MessageKind.TEST
    ):
        first = FIRST_RETRY_AT_LESS if read_outcome(outcome).about in FOR_NOW else FIRST_RETRY
        message.state = MessageState.DEFERRED
        message.due_at = now() + min(LONGEST_RETRY, first * 2 ** min(message.attempts - 1, 12))
    else:
        message.state = MessageState(outcome.kind.value)
        message.settled_at = outcome.at
        message.body = None
        if message.kind is MessageKind.CLOSING:
            # Whom it went to was erased; the mail itself was the last use of the address.
            message.to_address = message.reply_text = ""
    db.session.flush()
    return True


def release_expired(owner: str | None = None) -> list[TransactionalMessage]:
    """Mails whose worker is gone: those of `owner`, or all whose lease is over; for recovery to settle."""
    whose = _M.lease_until <= now() if owner is None else _M.owner == owner
    query = sa.select(_M).where(IS_CLAIMED, whose)
    return list(db.session.scalars(query.with_for_update(skip_locked=True)))
