"""Tables: people we know by address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model
from mailer.foundation.ids import new_id


class Contact(Model):
    """A person known by address; may have no subscription at all. One per normal form of an address.

    After an erasure the row stays as an empty shell (address, names and fields gone), so that the figures
    of old campaigns still add up.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "address_digest"),
        sa.Index(None, "organisation_id", "id"),
        *(
            sa.Index(
                f"ix_contacts_{column}",
                column,
                sqlite_where=sa.text(f"{column} IS NOT NULL"),
                postgresql_where=sa.text(f"{column} IS NOT NULL"),
            )
            for column in ("erased_at", "restricted_at", "paused_at")
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("con")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    subject_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_subjects.id"), unique=True)
    address: Mapped[str | None] = mapped_column(sa.String(254))
    address_digest: Mapped[str | None] = mapped_column(sa.String(64))
    first_name: Mapped[str] = mapped_column(sa.String(200), default="")
    last_name: Mapped[str] = mapped_column(sa.String(200), default="")
    language: Mapped[str] = mapped_column(sa.String(10), default="en")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    erased_at: Mapped[datetime | None]
    restricted_at: Mapped[datetime | None]  # GDPR Art. 18: nothing but keeping
    restricted_because: Mapped[str] = mapped_column(sa.Text, default="", server_default="")
    paused_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    mail_interval_days: Mapped[int | None] = mapped_column(sa.Integer)


class ContactField(Model):
    """The name of a field of their own that the people of an organisation have (`Contact.fields`).

    Written by a trigger whenever fields are, whoever writes them, and never taken away, so that a campaign
    which uses it does not break when nobody has it any more.
    """

    __tablename__ = "contact_fields"

    organisation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("organisations.id"), primary_key=True
    )
    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
