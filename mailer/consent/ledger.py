"""Writing the ledger: one function a state, all through one door; nothing is ever changed or deleted."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from mailer.consent.canonical import canonical_json
from mailer.consent.models import ConsentRecord, ConsentSubject, stands
from mailer.consent.records import TRACKING, About, Draft, Evidence, seal_record, write_records
from mailer.consent.states import ALLOWS_SENDING, ConsentState
from mailer.consent.subjects import get_subject, key_of
from mailer.foundation import cipher
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id


def record_requested(subject: ConsentSubject, about: About, evidence: Evidence) -> ConsentRecord:
    """A form was submitted with this box ticked; the address is not proven yet (R-008)."""
    return _record(subject, about, ConsentState.REQUESTED, evidence)


def record_refused(subject: ConsentSubject, about: About, evidence: Evidence) -> ConsentRecord:
    """A form was submitted with this box left unticked (C-047)."""
    return _record(subject, about, ConsentState.REFUSED, evidence)


def record_given(
    subject: ConsentSubject,
    about: About,
    evidence: Evidence,
    *,
    follows: ConsentRecord | None = None,
    given_at: datetime | None = None,
) -> ConsentRecord:
    """A consent, confirmed from the mailbox; RENEWED when a valid one stands already (R-007).

    `follows` is the request it answers; `given_at` is when it was given, where that was elsewhere.
    """
    standing = find_valid(subject, about)
    state = ConsentState.GIVEN if standing is None else ConsentState.RENEWED
    return _record(subject, about, state, evidence, follows=follows, given_at=given_at)


def record_withdrawn(given: ConsentRecord, evidence: Evidence) -> ConsentRecord:
    """The person took `given` back (GDPR Art. 7(3)). Raises NotAllowed when it has ended already."""
    return _end(given, ConsentState.WITHDRAWN, evidence)


def record_invalidated(record: ConsentRecord, evidence: Evidence) -> ConsentRecord:
    """The person says it was never theirs ("this wasn't me", C-032).

    A given record is ended by it; a mere request is followed by it.
    """
    if record.state in ALLOWS_SENDING:
        return _end(record, ConsentState.INVALIDATED, evidence)
    subject = get_subject(record.subject_id)
    return _record(subject, _about(record), ConsentState.INVALIDATED, evidence, follows=record)


def find_valid(subject: ConsentSubject, about: About) -> ConsentRecord | None:
    """The newest given, not ended record of a person about something."""
    standing = list_valid(subject, about)
    return standing[-1] if standing else None


def list_valid(subject: ConsentSubject, about: About) -> list[ConsentRecord]:
    """All given, not ended records of a person about something, oldest first."""
    list_id = about.mailing_list.id if about.mailing_list else None
    query = sa.select(ConsentRecord).where(
        ConsentRecord.subject_id == subject.id,
        ConsentRecord.matter == about.matter,
        ConsentRecord.mailing_list_id.is_(None)
        if list_id is None
        else ConsentRecord.mailing_list_id == list_id,
        stands(ConsentRecord.id),
    )
    return list(db.session.scalars(query.order_by(ConsentRecord.id)))


def is_standing(given: ConsentRecord) -> bool:
    """Whether a given record allows something still: no other record ends it."""
    return bool(db.session.scalar(sa.select(stands(given.id))))


def _end(given: ConsentRecord, state: ConsentState, evidence: Evidence) -> ConsentRecord:
    if not is_standing(given):
        raise NotAllowed("This consent has ended already.")
    subject = get_subject(given.subject_id)
    return _record(subject, _about(given), state, evidence, ends=given)


def _about(record: ConsentRecord) -> About:
    if record.mailing_list_id is None:
        return TRACKING
    return About(db.session.get_one(MailingList, record.mailing_list_id))


def _record(
    subject: ConsentSubject,
    about: About,
    state: ConsentState,
    evidence: Evidence,
    *,
    follows: ConsentRecord | None = None,
    ends: ConsentRecord | None = None,
    given_at: datetime | None = None,
) -> ConsentRecord:
    db.session.flush()
    sealed = seal_record(
        Draft(
            organisation=get_organisation_by_id(subject.organisation_id),
            about=about,
            state=state,
            subject=subject.public_id,
            evidence=canonical_json(dict(evidence)),
            moment=now(),
            given_at=given_at,
            follows=follows,
            ends=(ends.id, ends.public_id) if ends else None,
        ),
        cipher.sealer(key_of(subject)),
    )
    write_records([sealed])
    query = sa.select(ConsentRecord).where(ConsentRecord.public_id == sealed.public_id)
    return db.session.scalars(query).one()
