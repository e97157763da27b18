"""Fixing the audience: one row a person, slice by slice, each slice kept before the next begins."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mailer import tracking
from mailer.campaigns import (
    Campaign,
    CampaignList,
    CampaignState,
    get_campaign_by_id,
    members_of,
)
from mailer.contacts import Contact
from mailer.delivery.states import DeliveryState, SkipReason
from mailer.delivery.tables import DELIVERIES
from mailer.destinations import MailDomain, ProviderDomain, domain_of, is_mx_lookup_on
from mailer.foundation.clock import now
from mailer.foundation.database import db, serialise_on
from mailer.foundation.turns import Turn
from mailer.subscriptions import Subscription

SLICE = 10_000
CHUNK = 2_000


def plan(campaign_id: int, *, size: int = SLICE) -> bool:
    """Plan up to `size` people of a campaign that is being sent, for one turn; True when more may follow.

    The audience is everybody with an active membership in one of its lists; who is suppressed gets a
    row too, as skipped, so that the figures add up. Two at once, or again after a crash, plan nobody
    twice: the row is unique and the cursor moves with it.
    """
    serialise_on(f"plan-{campaign_id}")
    turn, left = Turn(), size
    while left > 0 and _plan_some(campaign_id, min(left, CHUNK)):
        left -= CHUNK
        if turn.is_over:
            return True
    return left <= 0


def _plan_some(campaign_id: int, size: int) -> bool:
    """Plan the next people by one statement; False once the audience is complete."""
    campaign = db.session.execute(
        sa.select(Campaign.planned_through, Campaign.counts_clicks).where(
            Campaign.id == campaign_id,
            Campaign.state == CampaignState.SENDING,
            Campaign.planned_at.is_(None),
        )
    ).first()
    if campaign is None:
        return False
    after = campaign.planned_through
    if campaign.counts_clicks and not after:
        tracking.fix_links(get_campaign_by_id(campaign_id))
    members = (
        sa.select(Subscription.contact_id)
        .join(CampaignList, CampaignList.mailing_list_id == Subscription.mailing_list_id)
        .where(
            CampaignList.campaign_id == campaign_id,
            Subscription.contact_id > after,
            sa.text("subscriptions.state = 'active'"),
        )
        .distinct()
        .order_by(Subscription.contact_id)
        .limit(size)
        .subquery()
    )
    through, count = db.session.execute(
        sa.select(sa.func.max(members.c.contact_id), sa.func.count())
    ).one()
    if count:
        _add_rows(campaign_id, after, through, counts_clicks=campaign.counts_clicks)
    is_last = count < size
    db.session.execute(
        sa.update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.planned_through == after)
        .values(planned_through=through if count else after, planned_at=now() if is_last else None)
        .execution_options(synchronize_session=False)
    )
    return not is_last


def _add_rows(campaign_id: int, after: int, through: int, *, counts_clicks: bool) -> None:
    moment = now()
    people = members_of(campaign_id, after=after, through=through).subquery()
    is_blocked = people.c.is_blocked == 1
    domain = domain_of(people.c.address)
    source = people.outerjoin(ProviderDomain, ProviderDomain.domain == domain)
    names: list[sa.SQLColumnExpression[Any]] = [ProviderDomain.provider, domain]
    if is_mx_lookup_on():
        source = source.outerjoin(MailDomain, MailDomain.domain == domain)
        names[1:1] = MailDomain.mx_group, MailDomain.asked
    rows = (
        sa.select(
            sa.literal(campaign_id),
            people.c.contact_id,
            people.c.mailing_list_id,
            people.c.proof_id,
            sa.case((is_blocked, DeliveryState.SKIPPED.value), else_=DeliveryState.PLANNED.value),
            sa.case((is_blocked, SkipReason.SUPPRESSED.value)),
            sa.func.coalesce(*names),
            sa.literal(0),
            sa.case((is_blocked, sa.literal(moment, DELIVERIES.c.settled_at.type))),
            sa.literal(""),
        )
        .select_from(source)
        .order_by(people.c.contact_id)
    )
    columns = [
        "campaign_id",
        "contact_id",
        "mailing_list_id",
        "consent_record_id",
        "state",
        "skip_reason",
        "destination",
        "attempts",
        "settled_at",
        "reply_text",
    ]
    if counts_clicks:
        rows = rows.join(Contact, Contact.id == people.c.contact_id).add_columns(
            tracking.standing_record(Contact.subject_id)
        )
        columns.append("tracking_record_id")
    db.session.execute(sa.insert(DELIVERIES).from_select(columns, rows))
