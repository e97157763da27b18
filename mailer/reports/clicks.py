"""The clicks of one campaign: of those who agreed to be counted, and of how many that speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from mailer.campaigns import Campaign
from mailer.delivery import Delivery, DeliveryState
from mailer.foundation.database import db
from mailer.tracking import Click, CountedLink

_SENT = (DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """One link: how many people followed it, and how often."""

    target: str
    people: int
    clicks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickReport:
    """`clicks` is the sum over the links; `people` followed any of them, each counted once.

    `counted` people agreed and had a mail whose clicks are counted, of `sent` who had one at all.
    """

    links: Sequence[LinkClicks]
    people: int
    clicks: int
    counted: int
    sent: int


def click_report(campaign: Campaign) -> ClickReport | None:
    """Who followed which links of a campaign; None when its clicks are not counted."""
    if not campaign.counts_clicks:
        return None
    people = sa.func.count(sa.distinct(Click.contact_id))
    rows = db.session.execute(
        sa.select(CountedLink.target, people, sa.func.count(Click.id))
        .outerjoin(
            Click,
            sa.and_(
                Click.campaign_id == CountedLink.campaign_id, Click.number == CountedLink.number
            ),
        )
        .where(CountedLink.campaign_id == campaign.id)
        .group_by(CountedLink.number, CountedLink.target)
        .order_by(CountedLink.number)
    )
    links = [LinkClicks(*row) for row in rows]
    counted, sent = db.session.execute(
        sa.select(sa.func.count(Delivery.tracking_record_id), sa.func.count()).where(
            Delivery.campaign_id == campaign.id, Delivery.state.in_(_SENT)
        )
    ).one()
    return ClickReport(
        links=links,
        people=db.session.scalar(sa.select(people).where(Click.campaign_id == campaign.id)) or 0,
        clicks=sum(one.clicks for one in links),
        counted=counted,
        sent=sent,
    )
