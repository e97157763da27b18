"""Following a counted link: where it leads, and whether anything may be written down about it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid
from mailer.tracking.agreeing import standing_record
from mailer.tracking.links import read_click_token
from mailer.tracking.models import Click, CountedLink

_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Followed:
    """A counted link as somebody follows it; `contact_id` is a public id."""

    target: str
    campaign_id: int
    number: int
    contact_id: str


def find_followed(token: str, number: str) -> Followed | None:
    """Where a link leads, as it was fixed; None for one that is damaged or was never made."""
    try:
        contact_id, campaign_id = read_click_token(token)
    except LinkInvalid:
        return None
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
        return None
    found = db.session.execute(
        sa.select(CountedLink.target, CountedLink.campaign_id)
        .join(Campaign, Campaign.id == CountedLink.campaign_id)
        .where(Campaign.public_id == campaign_id, CountedLink.number == int(number))
    ).first()
    return Followed(found[0], found[1], int(number), contact_id) if found else None


def may_count(followed: Followed) -> bool:
    """Whether the person's consent to measuring stands at this moment (C-104)."""
    return _find_agreed(followed) is not None


def record_click(followed: Followed) -> None:
    """Write down that somebody followed a link; nothing unless their consent stands now (C-104)."""
    contact_id = _find_agreed(followed)
    if contact_id is not None:
        db.session.add(
            Click(campaign_id=followed.campaign_id, number=followed.number, contact_id=contact_id)
        )
        db.session.flush()


def forget_clicks(contact: Contact) -> None:
    """Delete what a person followed (C-092)."""
    db.session.execute(sa.delete(Click).where(Click.contact_id == contact.id))


def _find_agreed(followed: Followed) -> int | None:
    return db.session.scalar(
        sa.select(Contact.id).where(
            Contact.public_id == followed.contact_id,
            Contact.erased_at.is_(None),
            Contact.restricted_at.is_(None),
            standing_record(Contact.subject_id).is_not(None),
        )
    )
