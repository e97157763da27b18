"""Table: contact × mailing list. The database refuses an active row without a valid proof."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id


class SubscriptionState(StrEnum):
    """Where a membership stands; only ACTIVE is mailed, and only ACTIVE needs a proof."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


_ACTIVE = sa.text("state = 'active'")


class Subscription(Model):
    """A membership and the consent record that proves it."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        sa.UniqueConstraint("contact_id", "mailing_list_id"),
        sa.CheckConstraint("state <> 'active' OR proof_id IS NOT NULL", name="active_has_proof"),
        sa.Index(
            "ix_subscriptions_active",
            "mailing_list_id",
            "contact_id",
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("mbr")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    mailing_list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    state: Mapped[SubscriptionState] = mapped_column(enum_column(SubscriptionState))
    proof_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_records.id"), index=True)
    # Of the consent that proves it, for its mails to tell: an Origin, and `Provenance.facts`.
    origin: Mapped[str] = mapped_column(
        sa.String(20), default="unrecorded", server_default="unrecorded"
    )
    origin_facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    activated_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
