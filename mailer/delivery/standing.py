"""Where a campaign's people stand: who is due, who is in hand, when everybody is settled."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from mailer.campaigns import Campaign, CampaignState
from mailer.delivery.models import SendingBatch
from mailer.delivery.states import OPEN, DeliveryState, SkipReason
from mailer.delivery.tables import DELIVERIES, is_loose, is_untouched
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.turns import Turn

CANCEL_CHUNK = 1_000
_C = DELIVERIES.c


def list_sending() -> list[int]:
    """The row ids of the campaigns being sent, oldest first."""
    query = sa.select(Campaign.id).where(Campaign.state == CampaignState.SENDING)
    return list(db.session.scalars(query.order_by(Campaign.id)))


def list_finished() -> list[int]:
    """The row ids of campaigns being sent in which everybody is settled."""
    is_open = sa.exists().where(_C.campaign_id == Campaign.id, _C.state.in_(sorted(OPEN)))
    query = sa.select(Campaign.id).where(
        Campaign.state == CampaignState.SENDING, Campaign.planned_at.is_not(None), ~is_open
    )
    return list(db.session.scalars(query))


def has_due() -> bool:
    """Whether a campaign being sent has somebody to plan or to write to now."""
    due = sa.exists().where(_C.campaign_id == Campaign.id, is_loose(), _C.due_at <= now())
    waits = sa.exists().where(_C.campaign_id == Campaign.id, is_untouched())
    query = sa.select(
        sa.exists().where(
            Campaign.state == CampaignState.SENDING,
            sa.or_(Campaign.planned_at.is_(None), due, waits),
        )
    )
    return bool(db.session.scalar(query))


def count_states(campaign_id: int) -> dict[DeliveryState, int]:
    """How many of a campaign's deliveries are in which state; they sum up to its audience.

    Who is in a batch that somebody has in hand counts as claimed.
    """
    rows = db.session.execute(
        sa.select(_C.state, sa.func.count()).where(_C.campaign_id == campaign_id).group_by(_C.state)
    )
    counts = dict.fromkeys(DeliveryState, 0) | {row[0]: row[1] for row in rows}
    in_hand = min(_count_in_batches(campaign_id), counts[DeliveryState.PLANNED])
    counts[DeliveryState.PLANNED] -= in_hand
    counts[DeliveryState.CLAIMED] += in_hand
    return counts


def release(owner: str, delivery_ids: Collection[int]) -> None:
    """Give claimed rows back that were certainly not sent; the try does not count."""
    if not delivery_ids:
        return
    is_in_batch = sa.and_(
        _C.state == DeliveryState.PLANNED,
        _C.due_at.is_(None),
        sa.exists().where(
            SendingBatch.owner == owner,
            SendingBatch.campaign_id == _C.campaign_id,
            SendingBatch.after_contact_id < _C.contact_id,
            SendingBatch.through_contact_id >= _C.contact_id,
        ),
    )
    is_owned = sa.and_(_C.state == DeliveryState.CLAIMED, _C.owner == owner)
    db.session.execute(
        sa.update(DELIVERIES)
        .where(_C.id.in_(delivery_ids), sa.or_(is_in_batch, is_owned))
        .values(state=DeliveryState.PLANNED, owner=None, due_at=now())
    )


def skip_cancelled() -> int:
    """Leave out what is still open of cancelled campaigns, for one turn; returns how many.

    What is in somebody's hand settles first and comes back here if it was not sent.
    """
    return Turn().repeat(lambda: _skip_some(CANCEL_CHUNK))


def _skip_some(size: int) -> int:
    count = 0
    for is_open in (is_untouched(), is_loose()):
        rows = (
            sa.select(_C.id)
            .join(Campaign, Campaign.id == _C.campaign_id)
            .where(Campaign.state == CampaignState.CANCELLED, is_open)
            .limit(size)
        )
        result = db.session.execute(
            sa.update(DELIVERIES)
            .where(_C.id.in_(rows), _C.state.in_(sorted(OPEN - {DeliveryState.CLAIMED})))
            .values(
                state=DeliveryState.SKIPPED,
                skip_reason=SkipReason.CANCELLED,
                due_at=None,
                settled_at=now(),
            )
            .returning(_C.id)
        )
        count += len(result.all())
    return count


def _count_in_batches(campaign_id: int) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(SendingBatch)
        .join(
            DELIVERIES,
            sa.and_(
                _C.campaign_id == SendingBatch.campaign_id,
                _C.contact_id > SendingBatch.after_contact_id,
                _C.contact_id <= SendingBatch.through_contact_id,
            ),
        )
        .where(
            SendingBatch.campaign_id == campaign_id,
            _C.state == DeliveryState.PLANNED,
            _C.due_at.is_(None),
        )
    )
    return db.session.scalar(query) or 0
