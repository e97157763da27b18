"""Planning service mails, and what is asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from mailer import rendering
from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.database import db, record
from mailer.foundation.events import Event
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation
from mailer.transactional.models import WAITS, TransactionalMessage
from mailer.transactional.states import MessageKind, MessageState
from mailer.transport import ABOUT_US, read_answer

LATE_AFTER = timedelta(minutes=10)
MOST_LOOKED_AT = 1_000

_ADD: Final = (
    "INSERT INTO transactional_messages (public_id, organisation_id, kind, reference, to_address,"  # noqa: S608  # made of constants and marks
    " from_address, message_id, body, expires_at, due_at, created_at, state, attempts, reply_text, relay)"
    f" VALUES ({driver.marks(11)}, '{MessageState.PLANNED}', 0, '', '')"
)


@dataclass(frozen=True, slots=True)
class TransactionalPlanned(Event):
    """Service mails wait to be sent."""

    public_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """A service mail: what it is about, the mail itself, and when sending it has lost its sense."""

    kind: MessageKind
    reference: str
    mail: rendering.Mail
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyMail:
    """A service mail whose bytes were made already, as `rendering.compose` would have made them."""

    organisation_id: int
    kind: MessageKind
    reference: str
    to_address: str
    from_address: str
    message_id: str
    body: bytes
    expires_at: datetime


def plan_ready(mails: Sequence[ReadyMail]) -> list[str]:
    """Owe people mails that are ready; returns their public ids. Quicker than `plan`, and all at once."""
    at = driver.moment_in(now())
    public_ids = [new_id("msg") for _ in mails]
    rows = [(name, *_values(mail), at, at) for name, mail in zip(public_ids, mails, strict=True)]
    driver.execute_each(_ADD, rows)
    record(TransactionalPlanned(tuple(public_ids)))
    return public_ids


def _values(mail: ReadyMail) -> driver.Row:
    return (
        mail.organisation_id,
        mail.kind.value,
        mail.reference,
        mail.to_address,
        mail.from_address,
        mail.message_id,
        mail.body,
        driver.moment_in(mail.expires_at),
    )


def plan(organisation: Organisation, draft: MessageDraft) -> TransactionalMessage:
    """Owe somebody a mail; it is composed now and sent by the queue `first` after the commit.

    Raises Invalid when the mail cannot be composed.
    """
    ready = ReadyMail(
        organisation_id=organisation.id,
        kind=draft.kind,
        reference=draft.reference,
        to_address=draft.mail.to_address,
        from_address=draft.mail.from_address,
        message_id=draft.mail.message_id,
        body=rendering.compose(draft.mail),
        expires_at=draft.expires_at,
    )
    (public_id,) = plan_ready([ready])
    planned = sa.select(TransactionalMessage).where(TransactionalMessage.public_id == public_id)
    return db.session.scalars(planned).one()


def has_due() -> bool:
    """Whether any service mail waits whose time has come."""
    return bool(
        db.session.scalar(sa.select(sa.exists().where(WAITS, TransactionalMessage.due_at <= now())))
    )


@dataclass(frozen=True, slots=True)
class Stuck:
    """Service mails that do not go out, and what the relay said of the newest of them, if anything."""

    count: int
    reply_code: int | None
    reply_text: str


def find_stuck(organisation: Organisation) -> Stuck | None:
    """What the relay does not take of an organisation's service mails; None when they go out.

    Those that had an answer about us, and those that have waited longer than they should.
    """
    rows = db.session.execute(
        sa.select(
            TransactionalMessage.reply_code,
            TransactionalMessage.reply_text,
            TransactionalMessage.created_at,
        )
        .where(
            TransactionalMessage.organisation_id == organisation.id,
            WAITS,
            TransactionalMessage.expires_at > now(),
        )
        .order_by(TransactionalMessage.id.desc())
        .limit(MOST_LOOKED_AT)
    ).all()
    late = now() - LATE_AFTER
    stuck = [row for row in rows if _is_of_us(row[0], row[1]) or (row[0] is None and row[2] < late)]
    if not stuck:
        return None
    code, text, _ = next((row for row in stuck if row[1]), stuck[0])
    return Stuck(len(stuck), code, text)


def _is_of_us(code: int | None, text: str) -> bool:
    return code is not None and code >= 400 and read_answer(code, text).about in ABOUT_US


def find_newest(
    reference: str, *, kind: MessageKind | None = None, before: datetime | None = None
) -> TransactionalMessage | None:
    """The newest mail about `reference`, of one kind and from before a moment if given."""
    query = sa.select(TransactionalMessage).where(TransactionalMessage.reference == reference)
    if before is not None:
        query = query.where(TransactionalMessage.created_at < before)
    if kind is not None:
        query = query.where(TransactionalMessage.kind == kind)
    return db.session.scalar(query.order_by(TransactionalMessage.id.desc()).limit(1))


def count_since(reference: str, *, kind: MessageKind, since: datetime) -> int:
    """How many mails of one kind about `reference` were owed since a moment."""
    query = sa.select(sa.func.count()).where(
        TransactionalMessage.reference == reference,
        TransactionalMessage.kind == kind,
        TransactionalMessage.created_at > since,
    )
    return db.session.scalar(query) or 0


def forget_address(organisation: Organisation, address: str) -> None:
    """Erase `address` from all service mails of the organisation; what waits is cancelled (C-092)."""
    to_them = sa.and_(
        TransactionalMessage.organisation_id == organisation.id,
        sa.func.lower(TransactionalMessage.to_address) == address.lower(),
    )
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(to_them, WAITS)
        .values(state=MessageState.CANCELLED, settled_at=now())
    )
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(to_them)
        .values(to_address="", body=None, reply_text="", evidence=None)
    )


def forget_addressee(reference: str) -> None:
    """Erase whom the mails about `reference` went to (C-028); the rest stays as a figure.

    What is still waiting to be sent is cancelled.
    """
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(TransactionalMessage.reference == reference, WAITS)
        .values(state=MessageState.CANCELLED, settled_at=now())
    )
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(TransactionalMessage.reference == reference)
        .values(to_address="", body=None, reply_text="", evidence=None)
    )
