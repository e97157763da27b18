"""Agreeing to be counted, and taking it back: the consent to measuring, apart from that to mail."""

from __future__ import annotations

import sqlalchemy as sa

from mailer import consent, subscriptions
from mailer.consent import STANDING_CONSENTS, TRACKING, ConsentRecord, Evidence, Matter
from mailer.contacts import Contact


def standing_record(subject_id: sa.SQLColumnExpression[int]) -> sa.ScalarSelect[int]:
    """SQL: the newest consent to measuring of a subject that was given and not ended; else NULL (C-102)."""
    return (
        sa.select(sa.func.max(STANDING_CONSENTS.c.id))
        .where(
            STANDING_CONSENTS.c.subject_id == subject_id,
            STANDING_CONSENTS.c.matter == Matter.TRACKING,
        )
        .scalar_subquery()
    )


def is_agreed(contact: Contact) -> bool:
    """Whether a person's consent to measuring stands."""
    return consent.find_valid(consent.get_subject(contact.subject_id), TRACKING) is not None


def agree(contact: Contact, evidence: Evidence) -> None:
    """Take up the consent to measuring that a person gives behind a link that was mailed; twice is once."""
    subscriptions.lock(contact)
    if not is_agreed(contact):
        consent.record_given(consent.get_subject(contact.subject_id), TRACKING, evidence)


def stop(contact: Contact, evidence: Evidence) -> list[ConsentRecord]:
    """Withdraw a person's consent to measuring; mail goes on (C-103).

    Returns the withdrawals; none when there was nothing to end, for asking twice is no error.
    """
    subscriptions.lock(contact)
    subject = consent.get_subject(contact.subject_id)
    return [
        consent.record_withdrawn(given, evidence) for given in consent.list_valid(subject, TRACKING)
    ]
