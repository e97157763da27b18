"""Records against leaves and payloads, memberships and deliveries against records (C-001, T-022)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from mailer import consent
from mailer.consent import ALLOWS_SENDING, STANDING_CONSENTS, ConsentRecord, Matter
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState
from mailer.foundation.database import db
from mailer.selfaudit.examined import Slice
from mailer.selfaudit.states import FindingKind, Stage
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.transparency import list_unlogged

RECORDS_SLICE = 500
ROWS_SLICE = 5_000
# A mail may be on the wire while its consent is withdrawn: so long it may take until it is settled.
ON_THE_WIRE = timedelta(hours=1)


def check_records(slice_: Slice) -> None:
    """The next records: does each say what it committed to, and has it a leaf."""
    progress = slice_.progress
    rows = consent.recheck_records(progress["at"], progress["last_record"], RECORDS_SLICE)
    if not rows:
        slice_.stage, progress["at"] = Stage.SUBSCRIPTIONS, 0
        return
    for row in rows:
        if row.problem is not None:
            slice_.find(
                FindingKind(row.problem.value), row.public_id, row.message, row.organisation_id
            )
    organisations = {row.public_id: row.organisation_id for row in rows}
    for public_id in list_unlogged(list(organisations)):
        slice_.find(
            FindingKind.LEAF_MISSING,
            public_id,
            "The record has no leaf in the log and none that waits.",
            organisations[public_id],
        )
    slice_.count, progress["at"] = len(rows), rows[-1].record_id


def check_subscriptions(slice_: Slice) -> None:
    """The next memberships: every active one cites a standing consent of that person to that list."""
    proof = STANDING_CONSENTS.c
    is_proven = (
        sa.exists()
        .where(
            proof.id == Subscription.proof_id,
            proof.matter == Matter.MAILING,
            proof.mailing_list_id == Subscription.mailing_list_id,
            proof.subject_id == Contact.subject_id,
        )
        .correlate(Subscription, Contact)
    )
    query = (
        sa.select(Subscription.public_id, Subscription.organisation_id)
        .join(Contact, Contact.id == Subscription.contact_id)
        .where(Subscription.state == SubscriptionState.ACTIVE, ~is_proven)
    )

    def check(after: int, through: int) -> None:
        bounds = (Subscription.id > after, Subscription.id <= through)
        for row in db.session.execute(query.where(*bounds)):
            slice_.find(
                FindingKind.MEMBERSHIP_UNPROVEN,
                row.public_id,
                "This active membership cites no standing consent of that person to that list.",
                row.organisation_id,
            )

    _in_slices(slice_, "last_subscription", Stage.DELIVERIES, check)


def check_deliveries(slice_: Slice) -> None:
    """The next deliveries: each cites a consent of that person to that list, given before."""
    record, ending = aliased(ConsentRecord), aliased(ConsentRecord)
    handed_over = Delivery.state == DeliveryState.ACCEPTED
    is_proven = sa.and_(
        record.state.in_(ALLOWS_SENDING),
        record.matter == Matter.MAILING,
        record.mailing_list_id == Delivery.mailing_list_id,
        record.subject_id == Contact.subject_id,
        sa.or_(Delivery.settled_at.is_(None), record.recorded_at <= Delivery.settled_at),
    )
    query = (
        sa.select(
            Delivery.id,
            Contact.organisation_id,
            is_proven.label("is_proven"),
            Delivery.settled_at,
            ending.recorded_at.label("ended_at"),
        )
        .join(Contact, Contact.id == Delivery.contact_id)
        .join(record, record.id == Delivery.consent_record_id)
        .outerjoin(ending, ending.ends_id == record.id)
        .where(sa.or_(~is_proven, sa.and_(handed_over, ending.recorded_at < Delivery.settled_at)))
    )

    def check(after: int, through: int) -> None:
        for row in db.session.execute(query.where(Delivery.id > after, Delivery.id <= through)):
            if not row.is_proven:
                message = (
                    "This delivery cites no consent of that person to that list given before it."
                )
            elif row.settled_at - row.ended_at > ON_THE_WIRE:
                message = "This delivery was made after the consent it cites had ended."
            else:
                continue
            slice_.find(
                FindingKind.DELIVERY_UNPROVEN, f"delivery {row.id}", message, row.organisation_id
            )

    _in_slices(slice_, "last_delivery", Stage.DONE, check)


def _in_slices(
    slice_: Slice, last: str, following: Stage, check: Callable[[int, int], None]
) -> None:
    progress = slice_.progress
    after = progress["at"]
    through = min(after + ROWS_SLICE, progress[last])
    if after >= progress[last]:
        slice_.stage, progress["at"] = following, 0
        return
    check(after, through)
    slice_.count, progress["at"] = through - after, through
