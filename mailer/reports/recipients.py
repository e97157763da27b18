"""The recipients of a campaign one by one, with what became of each mail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation.addresses import mask_address, mask_addresses
from mailer.foundation.database import db
from mailer.foundation.paging import PAGE_SIZE, Cursor, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One recipient; addresses are masked, `public_id` is the contact's and the page's cursor."""

    public_id: str
    address: str
    state: DeliveryState
    skip_reason: SkipReason | None
    attempts: int
    due_at: datetime | None
    settled_at: datetime | None
    reply: str


def list_deliveries(
    campaign: Campaign,
    cursor: Cursor,
    *,
    states: Collection[DeliveryState] = (),
    size: int = PAGE_SIZE,
) -> Page[DeliveryLine]:
    """One page of a campaign's recipients, the newest rows first; `states` empty means all."""
    query = (
        sa.select(Delivery, Contact.public_id, Contact.address)
        .join(Contact, Contact.id == Delivery.contact_id)
        .where(Delivery.campaign_id == campaign.id)
    )
    if states:
        query = query.where(Delivery.state.in_(states))
    edge = _edge(campaign, cursor)
    goes_up = edge is not None and cursor.newer_than is not None
    if edge is not None:
        query = query.where(Delivery.id > edge if goes_up else Delivery.id < edge)
    order = Delivery.id.asc() if goes_up else Delivery.id.desc()
    lines = [_line(*row) for row in db.session.execute(query.order_by(order).limit(size + 1))]
    has_more = len(lines) > size
    lines = lines[:size]
    if goes_up:
        lines.reverse()
    has_newer, has_older = (has_more, True) if goes_up else (edge is not None, has_more)
    return Page(
        rows=lines,
        older=lines[-1].public_id if lines and has_older else None,
        newer=lines[0].public_id if lines and has_newer else None,
    )


def _edge(campaign: Campaign, cursor: Cursor) -> int | None:
    at = cursor.newer_than or cursor.older_than
    if at is None:
        return None
    return db.session.scalar(
        sa.select(Delivery.id)
        .join(Contact, Contact.id == Delivery.contact_id)
        .where(Delivery.campaign_id == campaign.id, Contact.public_id == at)
    )


def _line(delivery: Delivery, public_id: str, address: str | None) -> DeliveryLine:
    return DeliveryLine(
        public_id=public_id,
        address=mask_address(address) if address else "",
        state=delivery.state,
        skip_reason=delivery.skip_reason,
        attempts=delivery.attempts,
        due_at=delivery.due_at,
        settled_at=delivery.settled_at,
        reply=mask_addresses(f"{delivery.reply_code or ''} {delivery.reply_text}".strip(), address),
    )
