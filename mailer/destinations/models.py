"""Tables: limits, destinations that asked us to wait, and who hosts the mail of people's domains."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id
from mailer.foundation.mail_hosts import Finding


class LimitKind(StrEnum):
    """Whose pace a limit sets."""

    ORGANISATION = "organisation"
    SENDER = "sender"
    DESTINATION = "destination"


class SendingLimit(Model):
    """How fast an organisation may send, as one of its senders, or to one destination.

    `subject` is a sender's public id, a destination's name, or empty for the organisation itself. During
    warm-up the first day has `warm_up_first_day` mails and each day half as many again.
    """

    __tablename__ = "sending_limits"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("lim")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    kind: Mapped[LimitKind] = mapped_column(enum_column(LimitKind))
    subject: Mapped[str] = mapped_column(sa.String(253), default="")
    per_minute: Mapped[int | None] = mapped_column(sa.Integer)
    at_once: Mapped[int | None] = mapped_column(sa.Integer)
    warm_up_from: Mapped[datetime | None]
    warm_up_first_day: Mapped[int | None] = mapped_column(sa.Integer)


class DestinationState(Model):
    """A destination that asked us to wait, until when, and in which words."""

    __tablename__ = "destination_states"

    destination: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    failures: Mapped[int] = mapped_column(sa.Integer)
    blocked_until: Mapped[datetime]
    because: Mapped[str] = mapped_column(sa.Text)


class ProviderDomain(Model):
    """A domain of addresses whose mail is taken by a provider of many domains."""

    __tablename__ = "provider_domains"

    domain: Mapped[str] = mapped_column(sa.String(253), primary_key=True)
    provider: Mapped[str] = mapped_column(sa.String(60))


class MailDomain(Model):
    """A domain that people's addresses have, and who hosts its mail as far as its MX records tell.

    `mx_group` is what the last answer said; a look-up that fails does not take it away.
    """

    __tablename__ = "mail_domains"

    domain: Mapped[str] = mapped_column(sa.String(253), primary_key=True)  # as addresses have it
    asked: Mapped[str] = mapped_column(sa.String(253), index=True)  # as DNS has it: A-labels
    mx_group: Mapped[str | None] = mapped_column(sa.String(60))
    finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    hosts: Mapped[str] = mapped_column(sa.Text, default="")
    failures: Mapped[int] = mapped_column(sa.Integer, default=0)  # in a row
    looked_up_at: Mapped[datetime | None]
    ask_again_at: Mapped[datetime] = mapped_column(index=True)
    seen_at: Mapped[datetime]  # when a contact had it last


class DomainWalk(Model):
    """How far the walk over the contacts has come that notes their domains; one row."""

    __tablename__ = "domain_walks"

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    after_contact_id: Mapped[int]
