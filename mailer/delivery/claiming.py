"""Claiming: rows that are due get an owner, in the same statement that asks for consent once more."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.dml import ReturningUpdate

from mailer.campaigns import Campaign, CampaignState
from mailer.consent import ConsentRecord
from mailer.contacts import Contact, placeholder_values
from mailer.delivery.states import DeliveryState, SkipReason
from mailer.delivery.tables import (
    DELIVERIES,
    IS_CLAIMED,
    IS_DUE,
    is_sending,
    may_be_sent,
    reason_against,
    skipped,
)
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Unavailable

LEASE = timedelta(minutes=2)
CANCEL_SLICE = 10_000
KEY_PREFIX = "d"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One claimed delivery, with what its mail is made of."""

    delivery_id: int
    campaign_id: int
    attempts: int  # tries so far, this one not counted
    contact_public_id: str
    address: str
    name: str
    values: Mapping[str, object]
    mailing_list_id: int
    consented_at: datetime

    @property
    def key(self) -> str:
        """The delivery's name in envelopes, outcomes and journals."""
        return f"{KEY_PREFIX}{self.delivery_id}"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim brought: people to write to, and how many turned out to be left out."""

    recipients: Sequence[Recipient]
    skipped: int

    @property
    def is_empty(self) -> bool:
        return not self.recipients and not self.skipped


@dataclass(frozen=True, slots=True)
class Standing:
    """What may go on at this moment: campaigns being sent, and claimed deliveries that must not go."""

    sending: frozenset[int]
    refused: frozenset[int]


def claim(campaign_id: int, owner: str, *, limit: int) -> Claim:
    """Take up to `limit` due rows of a campaign for `owner`; each row has one owner at a time.

    First, those among the next `limit` that must not be sent any more become skipped, with the reason.
    Nothing is taken unless the campaign is being sent.
    """
    moment = now()
    given = {"campaign": campaign_id, "most": limit, "moment": moment}
    left_out = db.session.execute(_skip(), given).scalars().all()
    lease = {"new_owner": owner, "new_lease": moment + LEASE}
    taken = db.session.execute(_take(), given | lease).scalars().all()
    return Claim(_read(list(taken)), len(left_out))


def look_again(owner: str) -> Standing:
    """What pause, cancel, withdrawal, suppression and erasure have changed since `owner` claimed.

    Reads outside of any unit of work, on a connection of its own, so that it sees the newest state.
    Raises Unavailable.
    """
    sending = sa.select(Campaign.id).where(Campaign.state == CampaignState.SENDING)
    try:
        with db.engine.connect() as connection:
            return Standing(
                sending=frozenset(connection.execute(sending).scalars()),
                refused=frozenset(connection.execute(_refused(), {"owner": owner}).scalars()),
            )
    except OperationalError as error:
        raise Unavailable("The database does not answer just now.") from error


def extend_leases(owner: str) -> None:
    """Say that `owner` is alive and still has everything it claimed in hand."""
    db.session.execute(
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.owner == owner, IS_CLAIMED)
        .values(lease_until=now() + LEASE)
    )


def release(owner: str, delivery_ids: Collection[int]) -> None:
    """Give claimed rows back that were certainly not sent; the try does not count."""
    if delivery_ids:
        db.session.execute(
            sa.update(DELIVERIES)
            .where(DELIVERIES.c.id.in_(delivery_ids), DELIVERIES.c.owner == owner, IS_CLAIMED)
            .values(state=DeliveryState.PLANNED, owner=None, lease_until=None)
        )


def skip_cancelled(*, size: int = CANCEL_SLICE) -> int:
    """Leave out what is still open of cancelled campaigns, at most `size` rows; returns how many.

    Claimed rows settle first and come back here if they were not sent.
    """
    open_rows = (
        sa.select(DELIVERIES.c.id)
        .join(Campaign, Campaign.id == DELIVERIES.c.campaign_id)
        .where(IS_DUE, Campaign.state == CampaignState.CANCELLED)
        .limit(size)
    )
    result = db.session.execute(
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.id.in_(open_rows), IS_DUE)
        .values(**skipped(SkipReason.CANCELLED), settled_at=now())
        .returning(DELIVERIES.c.id)
    )
    return len(result.all())


def list_sending() -> list[int]:
    """The row ids of the campaigns being sent, oldest first."""
    query = sa.select(Campaign.id).where(Campaign.state == CampaignState.SENDING)
    return list(db.session.scalars(query.order_by(Campaign.id)))


def list_finished() -> list[int]:
    """The row ids of campaigns being sent in which everybody is settled."""
    is_of_campaign = DELIVERIES.c.campaign_id == Campaign.id
    query = sa.select(Campaign.id).where(
        Campaign.state == CampaignState.SENDING,
        Campaign.planned_at.is_not(None),
        ~sa.exists().where(is_of_campaign, IS_DUE),
        ~sa.exists().where(is_of_campaign, IS_CLAIMED),
    )
    return list(db.session.scalars(query))


def has_due() -> bool:
    """Whether a campaign being sent has somebody to plan or to write to now."""
    is_due = sa.exists().where(
        DELIVERIES.c.campaign_id == Campaign.id, IS_DUE, DELIVERIES.c.due_at <= now()
    )
    query = sa.select(
        sa.exists().where(
            Campaign.state == CampaignState.SENDING,
            sa.or_(Campaign.planned_at.is_(None), is_due),
        )
    )
    return bool(db.session.scalar(query))


# Built once: making these expressions anew costs more than running them.


def _due() -> sa.Select[Any]:
    return (
        sa.select(DELIVERIES.c.id)
        .where(
            DELIVERIES.c.campaign_id == sa.bindparam("campaign"),
            IS_DUE,
            DELIVERIES.c.due_at <= sa.bindparam("moment"),
        )
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .with_for_update(skip_locked=True, of=DELIVERIES)
    )


@functools.cache
def _skip() -> ReturningUpdate[Any]:
    next_ones = _due().cte("next_ones")
    return (
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.id.in_(sa.select(next_ones.c.id)), IS_DUE, is_sending(), ~may_be_sent())
        .values(
            state=DeliveryState.SKIPPED,
            skip_reason=reason_against(),
            settled_at=sa.bindparam("moment"),
        )
        .returning(DELIVERIES.c.id)
    )


@functools.cache
def _take() -> ReturningUpdate[Any]:
    due = _due().where(may_be_sent()).cte("due")
    return (
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.id.in_(sa.select(due.c.id)), IS_DUE, is_sending(), may_be_sent())
        .values(
            state=DeliveryState.CLAIMED,
            owner=sa.bindparam("new_owner"),
            lease_until=sa.bindparam("new_lease"),
        )
        .returning(DELIVERIES.c.id)
    )


@functools.cache
def _refused() -> sa.Select[Any]:
    return sa.select(DELIVERIES.c.id).where(
        DELIVERIES.c.owner == sa.bindparam("owner"), IS_CLAIMED, ~may_be_sent()
    )


def _read(delivery_ids: list[int]) -> list[Recipient]:
    if not delivery_ids:
        return []
    rows = db.session.execute(
        sa.select(
            DELIVERIES.c.id.label("delivery_id"),
            DELIVERIES.c.campaign_id,
            DELIVERIES.c.attempts,
            DELIVERIES.c.mailing_list_id,
            ConsentRecord.recorded_at,
            Contact.public_id,
            Contact.address,
            Contact.first_name,
            Contact.last_name,
            Contact.language,
            Contact.fields,
        )
        .join(Contact, Contact.id == DELIVERIES.c.contact_id)
        .join(ConsentRecord, ConsentRecord.id == DELIVERIES.c.consent_record_id)
        .where(DELIVERIES.c.id.in_(delivery_ids))
        .order_by(DELIVERIES.c.id)
    )
    return [
        Recipient(
            delivery_id=row.delivery_id,
            campaign_id=row.campaign_id,
            attempts=row.attempts,
            contact_public_id=row.public_id,
            address=row.address,
            name=f"{row.first_name} {row.last_name}".strip(),
            # A row with the columns of a contact, for objects cost more than the mail itself.
            values=placeholder_values(cast("Contact", row)),
            mailing_list_id=row.mailing_list_id,
            consented_at=row.recorded_at,
        )
        for row in rows
    ]
