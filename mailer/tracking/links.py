"""The links of counted mails: fixed by campaign and number, with one token for each mail."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.campaigns import Campaign, countable_links
from mailer.contacts import Contact, find_linked
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid
from mailer.foundation.tokens import Purpose, lasting_signer, read_lasting
from mailer.tracking.models import CountedLink

_PARTS = 2  # contact, campaign


class ClickTokens:
    """Makes the token of each counted mail of a campaign out of random public ids (C-107)."""

    def __init__(self, campaign_id: str) -> None:
        self._end = f"~{campaign_id}"
        self._sign = lasting_signer(Purpose.CLICK)

    def make(self, contact_id: str) -> str:
        """The token of one person's mail; takes a public id."""
        return self._sign(contact_id + self._end)


def clicks_at() -> str:
    """What a counted link begins with; token, stroke and number follow."""
    return f"{settings().public_url}/c/"


def stop_at() -> str:
    """What the link begins with that ends the counting; the token follows."""
    return f"{settings().public_url}/t/"


def stop_url(contact_id: str, campaign_id: str) -> str:
    """Where one press ends the counting of a person's clicks; takes public ids (C-103)."""
    return f"{stop_at()}{ClickTokens(campaign_id).make(contact_id)}"


def fix_links(campaign: Campaign) -> None:
    """Give each link of a campaign that can be counted its number, once, before its first mail is made."""
    if numbers_of(campaign):
        return
    rows = [
        {"campaign_id": campaign.id, "number": number, "target": target}
        for number, target in enumerate(countable_links(campaign), 1)
    ]
    if rows:
        db.session.execute(sa.insert(CountedLink), rows)


def numbers_of(campaign: Campaign) -> dict[str, int]:
    """The numbers of a campaign's counted links, by where they lead."""
    query = sa.select(CountedLink.target, CountedLink.number).where(
        CountedLink.campaign_id == campaign.id
    )
    return {row.target: row.number for row in db.session.execute(query)}


def read_click_token(token: str) -> tuple[str, str]:
    """The public ids of contact and campaign. Raises LinkInvalid."""
    parts = read_lasting(Purpose.CLICK, token)
    if len(parts) != _PARTS:
        raise LinkInvalid("This link is damaged or incomplete.")
    return parts[0], parts[1]


def read_stop_token(token: str) -> Contact | None:
    """Who ends the counting; None for somebody who is not known any more. Raises LinkInvalid."""
    contact_id, _ = read_click_token(token)
    return find_linked(contact_id)
