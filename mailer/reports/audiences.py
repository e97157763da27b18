"""How many people each of several campaigns has in its audience."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from mailer.campaigns import Campaign
from mailer.delivery import Delivery
from mailer.foundation.database import db


def count_audiences(campaigns: Collection[Campaign]) -> dict[int, int]:
    """The fixed audience by the row id of the campaign; a campaign that has none yet is missing."""
    fixed = [campaign.id for campaign in campaigns if campaign.planned_at is not None]
    query = (
        sa.select(Delivery.campaign_id, sa.func.count())
        .where(Delivery.campaign_id.in_(fixed))
        .group_by(Delivery.campaign_id)
    )
    return dict.fromkeys(fixed, 0) | {row[0]: row[1] for row in db.session.execute(query)}
