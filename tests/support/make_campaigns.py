"""Campaigns ready to be sent, and looks at what became of them."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from mailer import campaigns, delivery
from mailer.campaigns import Campaign, CampaignDraft
from mailer.delivery import Delivery, DeliveryState
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id

BODY = "Dear {{ contact.first_name | default('reader') }},\n\nthe autumn books are here.\n"


def make_draft(
    organisation: Organisation,
    *mailing_lists: MailingList,
    subject: str = "Autumn books",
    body: str = BODY,
    has_automatic_footer: bool = True,
) -> Campaign:
    """A draft that goes to `mailing_lists`, from the sender of the first."""
    with unit_of_work():
        campaign = campaigns.create_campaign(organisation, None, "Autumn")
        sender = get_sender_by_id(mailing_lists[0].sender_id) if mailing_lists else None
        draft = CampaignDraft(
            name="Autumn",
            subject=subject,
            preheader="New this week",
            body=body,
            has_automatic_footer=has_automatic_footer,
            sender=sender,
            lists=mailing_lists,
        )
        return campaigns.change_campaign(campaign, draft, campaign.revision)


def make_started(
    organisation: Organisation, *mailing_lists: MailingList, body: str = BODY
) -> Campaign:
    """A campaign that is being sent."""
    campaign = make_draft(organisation, *mailing_lists, body=body)
    with unit_of_work():
        campaigns.start(campaign)
    return campaign


def fresh(campaign: Campaign) -> Campaign:
    """The campaign as it stands in the database now."""
    db.session.rollback()
    found = db.session.get(Campaign, campaign.id, populate_existing=True)
    assert found is not None
    return found


def counts_of(campaign: Campaign) -> Counter[DeliveryState]:
    """How many deliveries are in which state."""
    db.session.rollback()
    counts = delivery.count_states(campaign.id)
    db.session.rollback()
    return Counter({state: count for state, count in counts.items() if count})


def deliveries_of(campaign: Campaign) -> list[Delivery]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(Delivery)
            .where(Delivery.campaign_id == campaign.id)
            .order_by(Delivery.id)
            .execution_options(populate_existing=True)
        )
    )
