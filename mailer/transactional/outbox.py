"""Planning service mails, and what is asked about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import sqlalchemy as sa

from mailer import rendering
from mailer.foundation.clock import now
from mailer.foundation.database import db, record
from mailer.foundation.events import Event
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation
from mailer.transactional.models import TransactionalMessage
from mailer.transactional.states import DUE, MessageKind, MessageState

_MESSAGES: Final = cast("sa.Table", TransactionalMessage.__table__)
_ADD: Final = sa.insert(_MESSAGES).returning(_MESSAGES.c.id)


@dataclass(frozen=True, slots=True)
class TransactionalPlanned(Event):
    """A service mail waits to be sent."""

    message_id: int


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

    kind: MessageKind
    reference: str
    to_address: str
    from_address: str
    message_id: str
    body: bytes
    expires_at: datetime


def plan_ready(organisation: Organisation, ready: ReadyMail) -> int:
    """Owe somebody a mail that is ready; returns its row id. Quicker than `plan`, where many are owed."""
    moment = now()
    row_id: int = (
        db.session.connection()
        .execute(
            _ADD,
            {
                "public_id": new_id("msg"),
                "organisation_id": organisation.id,
                "kind": ready.kind,
                "reference": ready.reference,
                "to_address": ready.to_address,
                "from_address": ready.from_address,
                "message_id": ready.message_id,
                "body": ready.body,
                "state": MessageState.PLANNED,
                "attempts": 0,
                "due_at": moment,
                "expires_at": ready.expires_at,
                "reply_text": "",
                "relay": "",
                "created_at": moment,
            },
        )
        .scalar_one()
    )
    record(TransactionalPlanned(row_id))
    return row_id


def plan(organisation: Organisation, draft: MessageDraft) -> TransactionalMessage:
    """Owe somebody a mail; it is composed now and sent by the queue `first` after the commit.

    Raises Invalid when the mail cannot be composed.
    """
    row_id = plan_ready(
        organisation,
        ReadyMail(
            kind=draft.kind,
            reference=draft.reference,
            to_address=draft.mail.to_address,
            from_address=draft.mail.from_address,
            message_id=draft.mail.message_id,
            body=rendering.compose(draft.mail),
            expires_at=draft.expires_at,
        ),
    )
    return db.session.get_one(TransactionalMessage, row_id)


def has_due() -> bool:
    """Whether any service mail waits whose time has come."""
    return bool(
        db.session.scalar(
            sa.select(
                sa.exists().where(
                    TransactionalMessage.state.in_(DUE), TransactionalMessage.due_at <= now()
                )
            )
        )
    )


def find_newest(reference: str, *, kind: MessageKind | None = None) -> TransactionalMessage | None:
    """The newest mail about `reference`, of one kind if given."""
    query = sa.select(TransactionalMessage).where(TransactionalMessage.reference == reference)
    if kind is not None:
        query = query.where(TransactionalMessage.kind == kind)
    return db.session.scalar(query.order_by(TransactionalMessage.id.desc()).limit(1))


def forget_address(organisation: Organisation, address: str) -> None:
    """Erase `address` from all service mails of the organisation; what waits is cancelled (C-092)."""
    to_them = sa.and_(
        TransactionalMessage.organisation_id == organisation.id,
        sa.func.lower(TransactionalMessage.to_address) == address.lower(),
    )
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(to_them, TransactionalMessage.state.in_(DUE))
        .values(state=MessageState.CANCELLED, settled_at=now())
    )
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(to_them)
        .values(to_address="", body=None, reply_text="")
    )


def forget_addressee(reference: str) -> None:
    """Erase whom the mails about `reference` went to (C-028); the rest stays as a figure.

    What is still waiting to be sent is cancelled.
    """
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(TransactionalMessage.reference == reference, TransactionalMessage.state.in_(DUE))
        .values(state=MessageState.CANCELLED, settled_at=now())
    )
    db.session.execute(
        sa.update(TransactionalMessage)
        .where(TransactionalMessage.reference == reference)
        .values(to_address="", body=None, reply_text="")
    )
