"""The table as sending works on it: sets of rows, no objects; conditions shared by several verbs."""

from __future__ import annotations

from typing import Final, cast

import sqlalchemy as sa

from mailer.campaigns import Campaign
from mailer.delivery.models import Delivery

DELIVERIES: Final = cast("sa.Table", Delivery.__table__)


def is_untouched() -> sa.ColumnElement[bool]:
    """SQL: the delivery has not had a turn yet; its campaign stands beside it."""
    return sa.and_(
        DELIVERIES.c.contact_id > Campaign.claimed_through,
        sa.literal_column("(deliveries.state || '') = 'planned'", sa.Boolean()),
        DELIVERIES.c.due_at.is_(None),
    )


def is_loose() -> sa.ColumnElement[bool]:
    """SQL: the delivery waits for a time of its own."""
    # Written out, for a partial index is not used where its condition stands in a parameter.
    return sa.literal_column(
        "(deliveries.due_at IS NOT NULL AND (deliveries.state || '') IN ('planned', 'deferred', 'held'))",
        sa.Boolean(),
    )
