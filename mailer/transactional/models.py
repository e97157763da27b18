"""Table: service mails, one row each, from planned to settled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id
from mailer.transactional.states import MessageKind, MessageState

_WAITING = "state IN ('planned', 'deferred')"
_CLAIMED = "state = 'claimed'"
# For statements. A database takes a partial index only where the statement itself holds its condition, not
# where the words come as values.
WAITS = sa.text(f"transactional_messages.{_WAITING}")
IS_CLAIMED = sa.text(f"transactional_messages.{_CLAIMED}")


class TransactionalMessage(Model):
    """A mail the service owes somebody: not marketing, its own queue, ahead of everything.

    `reference` is the public id of what it is about. `body` holds the exact bytes until the mail is
    settled, then nothing: where they are evidence, the ledger keeps them under the person's key, and
    `evidence` says what became of the mail (leg (b) of a proof).
    """

    __tablename__ = "transactional_messages"
    __table_args__ = (
        *(
            sa.Index(name, column, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
            for name, column, where in (
                ("ix_transactional_messages_due", "due_at", _WAITING),
                ("ix_transactional_messages_expiry", "expires_at", _WAITING),
                ("ix_transactional_messages_lease", "lease_until", _CLAIMED),
            )
        ),
        sa.Index("ix_transactional_messages_addressee", sa.text("lower(to_address)")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("msg")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind))
    reference: Mapped[str] = mapped_column(sa.String(40), index=True)
    to_address: Mapped[str] = mapped_column(sa.String(254))
    from_address: Mapped[str] = mapped_column(sa.String(254))
    message_id: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    state: Mapped[MessageState] = mapped_column(
        enum_column(MessageState), default=MessageState.PLANNED
    )
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[datetime | None]
    reply_code: Mapped[int | None] = mapped_column(sa.Integer)
    reply_text: Mapped[str] = mapped_column(sa.Text, default="")
    relay: Mapped[str] = mapped_column(sa.String(300), default="")
    evidence: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
