"""What went to one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState
from mailer.foundation.clock import now
from mailer.foundation.database import db


@dataclass(frozen=True, slots=True)
class MailTo:
    """One campaign mail to one person; `at` is when it was settled, is due, or else began."""

    campaign_public_id: str
    campaign_name: str
    state: DeliveryState
    at: datetime
    reply: str


def list_mails_to(contact: Contact, *, limit: int) -> list[MailTo]:
    """The newest `limit` campaign mails to `contact`, newest first, with the reply of the mail server."""
    return _mails(sa.true(), contact, limit)


def bounced_mails(contact: Contact, at: Collection[datetime]) -> dict[datetime, MailTo]:
    """The campaign mails that bounced `at` these moments, which are those of suppressions for a bounce."""
    bounced = sa.and_(Delivery.state == DeliveryState.REFUSED, Delivery.settled_at.in_(at))
    return {mail.at: mail for mail in _mails(bounced, contact, len(at))} if at else {}


def _mails(which: sa.ColumnElement[bool], contact: Contact, limit: int) -> list[MailTo]:
    query = (
        sa.select(Delivery, Campaign.public_id, Campaign.name, Campaign.started_at)
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Delivery.contact_id == contact.id, which)
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    return [
        MailTo(
            campaign_public_id=public_id,
            campaign_name=name,
            state=delivery.state,
            at=delivery.settled_at or delivery.due_at or started_at or now(),
            reply=f"{delivery.reply_code or ''} {delivery.reply_text}".strip(),
        )
        for delivery, public_id, name, started_at in db.session.execute(query)
    ]
