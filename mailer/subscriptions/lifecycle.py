"""The verbs of a membership: begin with a proof, end at a word."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from mailer import consent
from mailer.consent import ALLOWS_SENDING, TRACKING, About, ConsentRecord, Evidence
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id
from mailer.subscriptions.models import Subscription, SubscriptionState
from mailer.suppression import Reason, Scope, find_blocking, suppress

UNDO_LIFE = timedelta(minutes=30)


def activate(contact: Contact, mailing_list: MailingList, proof: ConsentRecord) -> Subscription:
    """Begin a membership, or have it cite a newer proof. The database refuses an invalid one."""
    provenance = consent.provenance_of(consent.read_payload(proof))
    subscription = find_subscription(contact, mailing_list)
    if subscription is None:
        subscription = Subscription(
            organisation_id=contact.organisation_id,
            contact_id=contact.id,
            mailing_list_id=mailing_list.id,
            state=SubscriptionState.ACTIVE,
            proof_id=proof.id,
            activated_at=now(),
        )
        db.session.add(subscription)
    else:
        if subscription.state is not SubscriptionState.ACTIVE:
            subscription.activated_at = now()
        subscription.state = SubscriptionState.ACTIVE
        subscription.proof_id = proof.id
        subscription.ended_at = None
    subscription.origin, subscription.origin_facts = provenance.origin.value, provenance.facts
    db.session.flush()
    return subscription


def join(contact: Contact, mailing_list: MailingList, evidence: Evidence) -> Subscription:
    """Join behind a link that was just mailed: the address is proven, so one logged step is enough (C-067).

    Raises NotAllowed for an archived list, and while the person blocks all mail.
    """
    if mailing_list.archived_at is not None:
        raise NotAllowed("This list has been closed.")
    lock(contact)
    organisation = get_organisation_by_id(contact.organisation_id)
    if find_blocking(organisation, contact.address_digest or "", scope=Scope.ALL_MAIL) is not None:
        raise NotAllowed("This address is blocked. Allow mail to it first, then join.")
    subject = consent.get_subject(contact.subject_id)
    existing = find_subscription(contact, mailing_list)
    if existing is not None and existing.state is SubscriptionState.ACTIVE:
        return existing
    proof = consent.record_given(subject, About(mailing_list), evidence)
    return activate(contact, mailing_list, proof)


def unsubscribe(
    contact: Contact, mailing_list: MailingList, evidence: Evidence
) -> list[ConsentRecord]:
    """End a membership and withdraw every consent behind it (GDPR Art. 7(3), C-060).

    Returns the withdrawals; none when there was nothing to end, for asking twice is no error. Who leaves again
    while an undo of the first time is possible takes that away: it may be somebody else who holds it.
    """
    lock(contact)
    subscription = find_subscription(contact, mailing_list)
    if subscription is not None and (
        subscription.ended_at is None or subscription.ended_at > now() - UNDO_LIFE
    ):
        subscription.state = SubscriptionState.ENDED
        subscription.ended_at, subscription.origin_facts = now(), {}
        db.session.flush()  # before the withdrawal: the database refuses one that is still cited
    subject = consent.get_subject(contact.subject_id)
    return [
        consent.record_withdrawn(given, evidence)
        for given in consent.list_valid(subject, About(mailing_list))
    ]


def invalidate(contact: Contact, given: ConsentRecord, evidence: Evidence) -> ConsentRecord | None:
    """End `given` as never the person's own (C-032); None when it has ended already.

    A membership that cites it goes on with another consent of theirs that stands for the list, or ends.
    """
    lock(contact)
    if not consent.is_standing(given):
        return None
    subscription = db.session.scalar(
        sa.select(Subscription).where(
            Subscription.contact_id == contact.id, Subscription.proof_id == given.id
        )
    )
    if subscription is not None and subscription.state is SubscriptionState.ACTIVE:
        mailing_list = db.session.get_one(MailingList, subscription.mailing_list_id)
        subject = consent.get_subject(given.subject_id)
        others = [
            one for one in consent.list_valid(subject, About(mailing_list)) if one.id != given.id
        ]
        if others:
            activate(contact, mailing_list, others[-1])
        else:
            subscription.state = SubscriptionState.ENDED
            subscription.ended_at, subscription.origin_facts = now(), {}
        db.session.flush()
    return consent.record_invalidated(given, evidence)


def invalidate_answers(contact: Contact, asked_ids: Collection[int], evidence: Evidence) -> None:
    """End all that answers one of these requests and stands, what an undo brought back included (C-032)."""
    lock(contact)  # before looking: an undo of the same moment is over, or sees that this was first
    answers = sa.select(ConsentRecord).where(
        ConsentRecord.follows_id.in_(asked_ids), ConsentRecord.state.in_(ALLOWS_SENDING)
    )
    for given in db.session.scalars(answers.order_by(ConsentRecord.id)).all():
        invalidate(contact, given, evidence)


def unsubscribe_all(
    contact: Contact, evidence: Evidence, *, reason: Reason = Reason.UNSUBSCRIBED
) -> list[ConsentRecord]:
    """Leave every list, end tracking, and suppress marketing until a newer consent (C-062, C-082).

    `reason` is what the suppression says.
    """
    lists = db.session.scalars(
        sa.select(MailingList)
        .join(Subscription, Subscription.mailing_list_id == MailingList.id)
        .where(
            Subscription.contact_id == contact.id,
            Subscription.state != SubscriptionState.ENDED,
        )
    ).all()
    withdrawn = [
        record for mailing_list in lists for record in unsubscribe(contact, mailing_list, evidence)
    ]
    subject = consent.get_subject(contact.subject_id)
    withdrawn += [
        consent.record_withdrawn(given, evidence) for given in consent.list_valid(subject, TRACKING)
    ]
    suppress(
        get_organisation_by_id(contact.organisation_id),
        cast("str", contact.address_digest),
        scope=Scope.MARKETING,
        reason=reason,
    )
    return withdrawn


def find_subscription(contact: Contact, mailing_list: MailingList) -> Subscription | None:
    """The membership of a contact in a list, whatever its state."""
    return db.session.scalar(
        sa.select(Subscription).where(
            Subscription.contact_id == contact.id,
            Subscription.mailing_list_id == mailing_list.id,
        )
    )


def lock(contact: Contact) -> None:
    """Let two acts of one person follow each other: a double click is no error."""
    db.session.refresh(contact, with_for_update=True)
