"""Table: one row per contact and campaign, from planned to settled."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.delivery.states import DeliveryState, SkipReason
from mailer.foundation.clock import now
from mailer.foundation.database import Model, words

_DUE = sa.text("state IN ('planned','deferred')")
_CLAIMED = sa.text("state = 'claimed'")


class Delivery(Model):
    """One campaign message to one contact, and the consent record that allows it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "contact_id"),
        sa.Index(
            "ix_deliveries_due",
            "campaign_id",
            "due_at",
            "id",
            sqlite_where=_DUE,
            postgresql_where=_DUE,
        ),
        sa.Index(
            "ix_deliveries_claimed", "owner", sqlite_where=_CLAIMED, postgresql_where=_CLAIMED
        ),
        sa.Index(None, "campaign_id", "state"),
        sa.Index(None, "contact_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    mailing_list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    consent_record_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_records.id"))
    state: Mapped[DeliveryState] = mapped_column(
        words(DeliveryState), default=DeliveryState.PLANNED
    )
    skip_reason: Mapped[SkipReason | None] = mapped_column(words(SkipReason))
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    owner: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[datetime | None]
    reply_code: Mapped[int | None] = mapped_column(sa.Integer)
    reply_text: Mapped[str] = mapped_column(sa.Text, default="")
    settled_at: Mapped[datetime | None]
