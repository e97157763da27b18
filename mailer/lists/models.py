"""Tables: purposes, and the mailing lists that serve exactly one each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id


class LawfulBasis(StrEnum):
    """GDPR Art. 6(1)(a) to (f)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class Purpose(Model):
    """Why we process: one sentence shown to the person, its lawful basis, and for how long."""

    __tablename__ = "purposes"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("pur")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    sentence: Mapped[str] = mapped_column(sa.Text)
    lawful_basis: Mapped[LawfulBasis] = mapped_column(enum_column(LawfulBasis))
    retention_months: Mapped[int] = mapped_column(sa.Integer)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class MailingList(Model):
    """Something one can join; serves exactly one purpose."""

    __tablename__ = "mailing_lists"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("lst")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    purpose_id: Mapped[int] = mapped_column(sa.ForeignKey("purposes.id"), index=True)
    sender_id: Mapped[int] = mapped_column(sa.ForeignKey("senders.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    frequency: Mapped[str] = mapped_column(sa.String(200))
    language: Mapped[str] = mapped_column(sa.String(10), default="en")
    label: Mapped[str] = mapped_column(
        sa.String(60)
    )  # in List-Id; stays when the name changes (E-028)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    purpose: Mapped[Purpose] = relationship(lazy="joined")
