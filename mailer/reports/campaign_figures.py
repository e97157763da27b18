"""The report of one campaign: where everybody stands; the figures add up to the audience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer import delivery
from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation.addresses import mask_addresses
from mailer.foundation.clock import now
from mailer.foundation.database import db

RATE_WINDOW = timedelta(seconds=10)
RATE_SAMPLE = 20_000
NEWEST_REFUSALS = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the mail server said to one recipient, addresses masked, and when."""

    code: int | None
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """`audience` is the sum of `counts`; `skipped` breaks its SKIPPED down.

    `rate` is in mails a second over the last ten seconds; `eta` is None while it cannot be told.
    """

    audience: int
    counts: Mapping[DeliveryState, int]
    skipped: Mapping[SkipReason, int]
    with_proof: int
    is_planned: bool
    rate: float
    eta: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    held_because: str
    refusals: Sequence[Refusal]

    @property
    def waiting(self) -> int:
        """Who has not had it yet and still will: planned, on its way, to be tried again, or held back."""
        return (
            self.counts[DeliveryState.PLANNED]
            + self.counts[DeliveryState.CLAIMED]
            + self.counts[DeliveryState.DEFERRED]
            + self.counts[DeliveryState.HELD]
        )

    @property
    def settled(self) -> int:
        return self.audience - self.waiting

    @property
    def share_settled(self) -> float:
        """From 0 to 1; 0 while the audience is not fixed or empty."""
        return self.settled / self.audience if self.audience and self.is_planned else 0.0


def campaign_report(campaign: Campaign) -> CampaignReport:
    """Where everybody of a campaign's audience stands at this moment."""
    counts = delivery.count_states(campaign.id)
    audience = sum(counts.values())
    rate = _rate(campaign) if campaign.state is CampaignState.SENDING else 0.0
    ready = counts[DeliveryState.PLANNED] + counts[DeliveryState.CLAIMED]
    is_planned = campaign.planned_at is not None
    return CampaignReport(
        audience=audience,
        counts=counts,
        skipped=_skipped(campaign),
        with_proof=audience,  # the database takes no row without its consent record
        is_planned=is_planned,
        rate=rate,
        eta=now() + timedelta(seconds=ready / rate) if rate and is_planned else None,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        held_because=mask_addresses(campaign.held_because),
        refusals=_refusals(campaign) if counts[DeliveryState.REFUSED] else (),
    )


def _skipped(campaign: Campaign) -> dict[SkipReason, int]:
    query = (
        sa.select(Delivery.skip_reason, sa.func.count())
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.SKIPPED)
        .group_by(Delivery.skip_reason)
    )
    found = {row[0]: row[1] for row in db.session.execute(query)}
    return {reason: found.get(reason, 0) for reason in SkipReason}


def _rate(campaign: Campaign) -> float:
    """Mails a second: of the newest rows, those settled within the window."""
    newest = (
        sa.select(Delivery.settled_at)
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.ACCEPTED)
        .order_by(Delivery.id.desc())
        .limit(RATE_SAMPLE)
        .subquery()
    )
    since = now() - RATE_WINDOW
    if campaign.started_at is not None and campaign.started_at > since:
        since = campaign.started_at
    query = sa.select(sa.func.count()).where(newest.c.settled_at > since)
    seconds = max(1.0, (now() - since).total_seconds())
    return (db.session.scalar(query) or 0) / seconds


def _refusals(campaign: Campaign) -> list[Refusal]:
    query = (
        sa.select(Delivery.reply_code, Delivery.reply_text, Delivery.settled_at, Contact.address)
        .join(Contact, Contact.id == Delivery.contact_id)
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.REFUSED)
        .order_by(Delivery.settled_at.desc())
        .limit(NEWEST_REFUSALS)
    )
    return [
        Refusal(code, mask_addresses(text, address), at)
        for code, text, at, address in db.session.execute(query)
    ]
