"""Tables: requests to join that wait for their confirmation, and what each asks for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mailer.consent import Matter
from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id


class RequestState(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"  # its time is over and what was personal is erased
    DISPUTED = "disputed"  # "this wasn't me"


_CONFIRMED = sa.text("contact_id IS NOT NULL")


class SignupRequest(Model):
    """What was asked, before confirmation; personal parts go when its time is over (C-028)."""

    __tablename__ = "signup_requests"
    __table_args__ = (
        sa.Index(None, "mailbox_digest"),
        sa.Index(
            "ix_signup_requests_held",
            "form_version_id",
            sqlite_where=sa.text("held_at IS NOT NULL"),
            postgresql_where=sa.text("held_at IS NOT NULL"),
        ),
        sa.Index(None, "state", "expires_at"),
        sa.Index(None, "contact_id", sqlite_where=_CONFIRMED, postgresql_where=_CONFIRMED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("req")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    form_version_id: Mapped[int] = mapped_column(sa.ForeignKey("form_versions.id"))
    subject_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_subjects.id"))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    address: Mapped[str | None] = mapped_column(sa.String(254))
    address_digest: Mapped[str | None] = mapped_column(sa.String(64))
    mailbox_digest: Mapped[str | None] = mapped_column(sa.String(64))  # for limits alone
    network_digest: Mapped[str | None] = mapped_column(sa.String(32))  # for limits alone
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    language: Mapped[str] = mapped_column(sa.String(10))
    state: Mapped[RequestState] = mapped_column(
        enum_column(RequestState), default=RequestState.PENDING
    )
    mail_evidence: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)  # leg (b), C-042
    requested_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    held_at: Mapped[datetime | None]  # while the team has not looked at a request over a limit
    settled_at: Mapped[datetime | None]

    choices: Mapped[list[SignupChoice]] = relationship(
        back_populates="request", order_by="SignupChoice.id", lazy="selectin"
    )

    @property
    def list_ids(self) -> list[int]:
        """The row ids of the lists it asks for."""
        return [one.mailing_list_id for one in self.choices if one.mailing_list_id is not None]

    def blank(self) -> None:
        """Take from it what is personal, but for the digest of the address."""
        self.address = self.mailbox_digest = self.network_digest = None
        self.held_at = self.mail_evidence = None
        self.answers = {}


class SignupChoice(Model):
    """One ticked control of a request and the record that says it was asked for."""

    __tablename__ = "signup_choices"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("signup_requests.id"), index=True)
    matter: Mapped[Matter] = mapped_column(enum_column(Matter))
    mailing_list_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    record_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_records.id"))

    request: Mapped[SignupRequest] = relationship(back_populates="choices")
