"""Whom a campaign reaches: the rule is written here once, for counting, planning and claiming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from mailer.campaigns.drafting import lists_of
from mailer.campaigns.models import Campaign, CampaignList
from mailer.consent import ConsentRecord
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.lists import MailingList
from mailer.subscriptions import Subscription, SubscriptionState, count_active
from mailer.suppression import Scope, SuppressionEntry


@dataclass(frozen=True, slots=True)
class ListCount:
    """How many active members one list has; a person in two lists counts in both."""

    mailing_list: MailingList
    members: int


@dataclass(frozen=True, slots=True)
class AudiencePreview:
    """The people a campaign would reach now: each once, and how many of them are suppressed."""

    lists: Sequence[ListCount]
    people: int
    suppressed: int

    @property
    def reachable(self) -> int:
        return self.people - self.suppressed


def blocks(
    organisation_id: sa.SQLColumnExpression[int],
    digest: sa.SQLColumnExpression[str | None],
    consented_at: sa.SQLColumnExpression[datetime],
) -> sa.ColumnElement[bool]:
    """SQL: does a suppression stand against mail that a consent of `consented_at` would allow?

    An entry for all mail always does; one for marketing unless the consent is newer (C-082).
    """
    entry = aliased(SuppressionEntry)
    return sa.exists().where(
        entry.organisation_id == organisation_id,
        entry.address_digest == digest,
        entry.lifted_at.is_(None),
        sa.or_(
            entry.scope == Scope.ALL_MAIL,
            sa.and_(entry.scope == Scope.MARKETING, entry.created_at >= consented_at),
        ),
    )


def members_of(campaign_id: int, *, after: int = 0, through: int | None = None) -> sa.Select[Any]:
    """SQL: one row a person with an active membership in one of the campaign's lists.

    Columns contact_id, mailing_list_id, proof_id, is_blocked, address. Of several memberships the oldest list's
    counts, an unsuppressed one first. `after` and `through` bound the contacts' row ids.
    """
    blocked = sa.case(
        (
            blocks(Contact.organisation_id, Contact.address_digest, ConsentRecord.recorded_at),
            1,
        ),
        else_=0,
    ).label("is_blocked")
    candidates = (
        sa.select(
            Subscription.contact_id,
            Subscription.mailing_list_id,
            Subscription.proof_id,
            blocked,
            Contact.address,
        )
        .join(CampaignList, CampaignList.mailing_list_id == Subscription.mailing_list_id)
        .join(Contact, Contact.id == Subscription.contact_id)
        .join(ConsentRecord, ConsentRecord.id == Subscription.proof_id)
        .where(
            CampaignList.campaign_id == campaign_id,
            Subscription.state == SubscriptionState.ACTIVE,
            Subscription.contact_id > after,
            Contact.erased_at.is_(None),
            Contact.address.is_not(None),
        )
    )
    if through is not None:
        candidates = candidates.where(Subscription.contact_id <= through)
    each = candidates.subquery()
    rank = (
        sa.func.row_number()
        .over(partition_by=each.c.contact_id, order_by=(each.c.is_blocked, each.c.mailing_list_id))
        .label("rank")
    )
    ranked = sa.select(each, rank).subquery()
    return sa.select(
        ranked.c.contact_id,
        ranked.c.mailing_list_id,
        ranked.c.proof_id,
        ranked.c.is_blocked,
        ranked.c.address,
    ).where(ranked.c.rank == 1)


def audience_preview(campaign: Campaign) -> AudiencePreview:
    """Count whom a campaign would reach if it started now."""
    mailing_lists = lists_of(campaign)
    active = count_active([mailing_list.id for mailing_list in mailing_lists])
    members = members_of(campaign.id).subquery()
    people, suppressed = db.session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(members.c.is_blocked), 0))
    ).one()
    return AudiencePreview(
        lists=[ListCount(one, active[one.id]) for one in mailing_lists],
        people=people,
        suppressed=int(suppressed),
    )
