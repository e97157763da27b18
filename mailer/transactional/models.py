"""Table: service mails, one row each, from planned to settled."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, words
from mailer.foundation.ids import new_id
from mailer.transactional.states import MessageKind, MessageState

_DUE = sa.text("state IN ('planned','deferred')")


class TransactionalMessage(Model):
    """A mail the service owes somebody: not marketing, its own queue, ahead of everything.

    `reference` is the public id of what it is about. `body` holds the exact bytes until the mail is
    settled, then nothing: where they are evidence, the ledger keeps them under the person's key.
    """

    __tablename__ = "transactional_messages"
    __table_args__ = (
        sa.Index(
            "ix_transactional_messages_due", "due_at", sqlite_where=_DUE, postgresql_where=_DUE
        ),
        sa.Index(
            "ix_transactional_messages_lease",
            "lease_until",
            sqlite_where=sa.text("state = 'claimed'"),
            postgresql_where=sa.text("state = 'claimed'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("msg")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    kind: Mapped[MessageKind] = mapped_column(words(MessageKind))
    reference: Mapped[str] = mapped_column(sa.String(40), index=True)
    to_address: Mapped[str] = mapped_column(sa.String(254))
    from_address: Mapped[str] = mapped_column(sa.String(254))
    message_id: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    state: Mapped[MessageState] = mapped_column(words(MessageState), default=MessageState.PLANNED)
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[datetime | None]
    reply_code: Mapped[int | None] = mapped_column(sa.Integer)
    reply_text: Mapped[str] = mapped_column(sa.Text, default="")
    relay: Mapped[str] = mapped_column(sa.String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
