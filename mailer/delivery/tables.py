"""The tables as sending works on them: sets of rows, no objects; conditions shared by several verbs."""

from __future__ import annotations

from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from mailer.campaigns import Campaign, CampaignState, blocks
from mailer.consent import ConsentRecord
from mailer.contacts import Contact
from mailer.delivery.models import Delivery
from mailer.delivery.states import DeliveryState, SkipReason
from mailer.subscriptions import Subscription, SubscriptionState

DELIVERIES: Final = cast("sa.Table", Delivery.__table__)

# Written out, for a partial index is not used where its condition stands in a parameter.
IS_DUE: Final = sa.literal_column("deliveries.state IN ('planned', 'deferred')", sa.Boolean())
IS_CLAIMED: Final = sa.literal_column("deliveries.state = 'claimed'", sa.Boolean())
IS_CLAIMED_OR_UNCERTAIN: Final = sa.literal_column(
    "deliveries.state IN ('claimed', 'uncertain')", sa.Boolean()
)


def is_alive() -> sa.ColumnElement[bool]:
    """SQL: the contact of the delivery still has an address."""
    return (
        sa.exists()
        .where(
            Contact.id == DELIVERIES.c.contact_id,
            Contact.erased_at.is_(None),
            Contact.address.is_not(None),
        )
        .correlate(DELIVERIES)
    )


def is_consented() -> sa.ColumnElement[bool]:
    """SQL: the membership is active and the consent record the delivery cites has not ended (C-061)."""
    ending = aliased(ConsentRecord)
    is_member = (
        sa.exists()
        .where(
            Subscription.contact_id == DELIVERIES.c.contact_id,
            Subscription.mailing_list_id == DELIVERIES.c.mailing_list_id,
            Subscription.state == SubscriptionState.ACTIVE,
        )
        .correlate(DELIVERIES)
    )
    has_ended = sa.exists().where(ending.ends_id == DELIVERIES.c.consent_record_id)
    return sa.and_(is_member, ~has_ended.correlate(DELIVERIES))


def is_suppressed() -> sa.ColumnElement[bool]:
    """SQL: a suppression stands against the delivery (C-080, C-082)."""
    return (
        sa.exists()
        .where(
            Contact.id == DELIVERIES.c.contact_id,
            ConsentRecord.id == DELIVERIES.c.consent_record_id,
            blocks(Contact.organisation_id, Contact.address_digest, ConsentRecord.recorded_at),
        )
        .correlate(DELIVERIES)
    )


def may_be_sent() -> sa.ColumnElement[bool]:
    """SQL: all that sending asks for; the same at claiming and while a batch is on the wire."""
    return sa.and_(is_alive(), is_consented(), ~is_suppressed())


def reason_against() -> sa.ColumnElement[str]:
    """SQL: why a delivery that may not be sent is skipped."""
    return sa.case(
        (~is_alive(), SkipReason.ERASED.value),
        (~is_consented(), SkipReason.WITHDRAWN.value),
        else_=SkipReason.SUPPRESSED.value,
    )


def is_sending() -> sa.ColumnElement[bool]:
    """SQL: the campaign of the parameter `campaign` is being sent at this moment."""
    return sa.exists().where(
        Campaign.id == sa.bindparam("campaign"), Campaign.state == CampaignState.SENDING
    )


def skipped(reason: SkipReason) -> dict[str, object]:
    """The values of a row that is left out for one and the same reason."""
    return {"state": DeliveryState.SKIPPED, "skip_reason": reason}
