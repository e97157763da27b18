"""Tables: organisations, the identities they send as, and the keys their domains sign mails with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id
from mailer.organisations.states import DomainKeyState


class Organisation(Model):
    """The controller: who asks, who answers, whose lists these are (GDPR Art. 4(7), 13(1)(a)).

    `log_pseudonym` stands for it in the public log, and nowhere else (T-004).
    """

    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("org")
    )
    name: Mapped[str] = mapped_column(sa.String(200))
    legal_name: Mapped[str] = mapped_column(sa.String(200), default="")
    street: Mapped[str] = mapped_column(sa.String(200), default="")
    postcode: Mapped[str] = mapped_column(sa.String(20), default="")
    city: Mapped[str] = mapped_column(sa.String(200), default="")
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    register_entry: Mapped[str] = mapped_column(sa.String(200), default="")
    contact_email: Mapped[str] = mapped_column(sa.String(254), default="")
    phone: Mapped[str] = mapped_column(sa.String(50), default="")
    website: Mapped[str] = mapped_column(sa.String(500), default="")
    dpo_name: Mapped[str] = mapped_column(sa.String(200), default="")
    dpo_contact: Mapped[str] = mapped_column(sa.String(254), default="")
    representative: Mapped[str] = mapped_column(sa.Text, default="")
    authority_name: Mapped[str] = mapped_column(sa.String(200), default="")
    authority_url: Mapped[str] = mapped_column(sa.String(500), default="")
    recipients: Mapped[str] = mapped_column(sa.Text, default="")
    transfers: Mapped[str] = mapped_column(sa.Text, default="")
    # Where imported people came from, as the team names it; None while nobody was imported (Art. 14(2)(f)).
    address_sources: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    time_zone: Mapped[str] = mapped_column(sa.String(50), default="Europe/Berlin")
    log_pseudonym: Mapped[str] = mapped_column(
        sa.String(40), unique=True, index=True, default=lambda: new_id("lop")
    )
    created_at: Mapped[datetime] = mapped_column(default=now)


class Sender(Model):
    """An identity in From, with the address replies go to."""

    __tablename__ = "senders"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("snd")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    from_name: Mapped[str] = mapped_column(sa.String(200))
    from_address: Mapped[str] = mapped_column(sa.String(254))
    reply_to: Mapped[str] = mapped_column(sa.String(254), default="")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DomainKey(Model):
    """A key that signs an organisation's mails from one domain (DKIM).

    The private key is sealed, and gone once another key has replaced this one.
    """

    __tablename__ = "domain_keys"
    __table_args__ = (
        sa.UniqueConstraint("domain", "selector"),
        sa.Index(None, "organisation_id", "domain"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("key")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    domain: Mapped[str] = mapped_column(sa.String(253))  # as A-labels
    selector: Mapped[str] = mapped_column(sa.String(63))
    algorithm: Mapped[str] = mapped_column(sa.String(20))  # as in the tag a= of a signature
    public_key: Mapped[str] = mapped_column(sa.Text)
    private_key: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    state: Mapped[DomainKeyState] = mapped_column(
        enum_column(DomainKeyState), default=DomainKeyState.WAITING
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    signing_since: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
