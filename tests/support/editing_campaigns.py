"""What the tests of the campaign pages send, and how they bring a campaign forward."""

from __future__ import annotations

import sqlalchemy as sa

from mailer import campaigns, delivery
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation import clock
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation, list_senders


def fields(campaign: Campaign, mailing_list: MailingList, **changes: str) -> dict[str, str]:
    """What the editor sends for the draft of these tests."""
    sender = list_senders_of(campaign)[0]
    return {
        "revision": str(campaign.revision),
        "name": campaign.name,
        "subject": campaign.subject,
        "preheader": campaign.preheader,
        "body": campaign.body,
        "body_format": "markdown",
        "footer": "automatic",
        "language": "en",
        "sender": sender,
        "lists": mailing_list.public_id,
        **changes,
    }


def list_senders_of(campaign: Campaign) -> list[str]:
    organisation = db.session.get_one(Organisation, campaign.organisation_id)
    return [sender.public_id for sender in list_senders(organisation)]


def path(campaign: Campaign, step: str = "") -> str:
    return f"/admin/campaigns/{campaign.public_id}{'/' if step else ''}{step}"


def start(campaign: Campaign) -> None:
    with unit_of_work():
        campaigns.start(campaign)
    with unit_of_work():
        delivery.plan(campaign.id)


def settle(campaign: Campaign, *states: DeliveryState) -> None:
    """Put the deliveries of a campaign, in their order, into these states."""
    with unit_of_work():
        rows = db.session.scalars(
            sa.select(Delivery).where(Delivery.campaign_id == campaign.id).order_by(Delivery.id)
        )
        for row, state in zip(rows, states, strict=False):
            row.state, row.settled_at, row.attempts = state, clock.now(), 1
            row.reply_code, row.reply_text = 250, "queued"
            if state is DeliveryState.REFUSED:
                row.reply_code, row.reply_text = 550, "5.1.1 No such user"
            if state is DeliveryState.SKIPPED:
                row.skip_reason = SkipReason.WITHDRAWN


def state_of(campaign: Campaign) -> CampaignState:
    db.session.rollback()
    db.session.refresh(campaign)
    return campaign.state
