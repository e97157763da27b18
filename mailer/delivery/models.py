"""Tables: one row per contact and campaign, from planned to settled; and who has it in hand."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.delivery.states import DeliveryState, SkipReason
from mailer.foundation.database import Model, enum_column

_DUE = sa.text("due_at IS NOT NULL")
_OWNED = sa.text("owner IS NOT NULL")


class Delivery(Model):
    """One campaign message to one contact, and the consent record that allows it.

    A planned row without `due_at` has not had its turn yet; turns are taken in batches of contacts, so it
    is in somebody's hand while a batch covers it. A row that comes back has a time, and an owner of its own.
    """

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
        sa.Index("ix_deliveries_owner", "owner", sqlite_where=_OWNED, postgresql_where=_OWNED),
        sa.Index(None, "campaign_id", "state"),
        sa.Index(None, "contact_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    mailing_list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    consent_record_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_records.id"))
    tracking_record_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("consent_records.id")
    )  # the consent that lets the clicks of this mail be counted
    state: Mapped[DeliveryState] = mapped_column(
        enum_column(DeliveryState), default=DeliveryState.PLANNED
    )
    skip_reason: Mapped[SkipReason | None] = mapped_column(enum_column(SkipReason))
    destination: Mapped[str] = mapped_column(sa.String(253), default="", server_default="")
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    due_at: Mapped[datetime | None]
    first_tried_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(sa.String(80))
    reply_code: Mapped[int | None] = mapped_column(sa.Integer)
    reply_text: Mapped[str] = mapped_column(sa.Text, default="")
    settled_at: Mapped[datetime | None]
    may_have_arrived_at: Mapped[datetime | None]  # of a mail that was uncertain, and is sent again


class SendingOwner(Model):
    """A worker that has mails in hand; alive until its lease is over."""

    __tablename__ = "sending_owners"

    owner: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    lease_until: Mapped[datetime]


class SendingBatch(Model):
    """The contacts of a campaign, by a range of row ids, that one owner has in hand for the first time."""

    __tablename__ = "sending_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    owner: Mapped[str] = mapped_column(sa.String(80), index=True)
    after_contact_id: Mapped[int]
    through_contact_id: Mapped[int]


class CampaignTally(Model):
    """What all workers together were answered of one campaign; `destination` empty means everywhere."""

    __tablename__ = "campaign_tallies"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    destination: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    answers: Mapped[int] = mapped_column(sa.Integer)
    dead: Mapped[int] = mapped_column(sa.Integer)
    objections: Mapped[int] = mapped_column(sa.Integer)  # in a row
