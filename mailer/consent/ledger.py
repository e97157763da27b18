"""Writing the ledger: one function a state, all through one door; nothing is ever changed or deleted."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer.consent.canonical import canonical_json
from mailer.consent.models import ConsentPayload, ConsentRecord, ConsentSubject, stands
from mailer.consent.states import ALLOWS_SENDING, DPV_TERMS, ConsentState, Matter
from mailer.consent.subjects import get_subject, key_of
from mailer.foundation import cipher
from mailer.foundation.clock import iso, now
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.foundation.ids import new_id
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id

ALGORITHM = "sha256-salted-jcs-v1"
SALT_BYTES = 32
_DOMAIN = b"mailer.consent.v1\x00"

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a consent is about: mail of one list, or (without a list) tracking."""

    mailing_list: MailingList | None

    @property
    def matter(self) -> Matter:
        return Matter.TRACKING if self.mailing_list is None else Matter.MAILING


TRACKING = About(None)


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
    public_id, moment = new_id("rec"), now()
    organisation_id = get_organisation_by_id(subject.organisation_id).public_id
    payload = {
        **frame_of(organisation_id, about.matter, described(about.mailing_list), state),
        "record": public_id,
        "subject": subject.public_id,
        "recorded_at": iso(moment),
        "follows": follows.public_id if follows else None,
        "ends": ends.public_id if ends else None,
        "evidence": dict(evidence),
    }
    canonical = canonical_json(payload)
    salt = secrets.token_bytes(SALT_BYTES)
    record = ConsentRecord(
        public_id=public_id,
        organisation_id=subject.organisation_id,
        subject_id=subject.id,
        matter=about.matter,
        mailing_list_id=about.mailing_list.id if about.mailing_list else None,
        state=state,
        follows_id=follows.id if follows else None,
        ends_id=ends.id if ends else None,
        algorithm=ALGORITHM,
        commitment=commitment(salt, canonical),
        recorded_at=moment,
        given_at=given_at,
    )
    db.session.add(record)
    db.session.flush()
    place = f"consent_payloads.{public_id}"
    sealed = cipher.seal_with(key_of(subject), salt + canonical, bound_to=place)
    db.session.add(ConsentPayload(record_id=record.id, subject_id=subject.id, sealed=sealed))
    db.session.flush()
    return record


def frame_of(
    organisation: str, matter: Matter, mailing_list: Mapping[str, Any] | None, state: ConsentState
) -> dict[str, Any]:
    """What the payloads of all records of one kind say alike; the organisation by its public id, the list as
    `described`.
    """
    return {
        "schema": "mailer.consent/1",
        "organisation": organisation,
        "matter": matter.value,
        "mailing_list": mailing_list,
        "state": state.value,
        "status": DPV_TERMS[state],
        "follows": None,
        "ends": None,
    }


def commitment(salt: bytes, canonical: bytes) -> bytes:
    """SHA-256 over a domain tag, a 32-byte salt and the RFC 8785 form of a payload (T-005)."""
    return hashlib.sha256(_DOMAIN + salt + canonical).digest()


def described(mailing_list: MailingList | None) -> dict[str, Any] | None:
    """A list as it stands now, as payloads tell it."""
    if mailing_list is None:
        return None
    return {
        "id": mailing_list.public_id,
        "name": mailing_list.name,
        "description": mailing_list.description,
        "frequency": mailing_list.frequency,
        "purpose": mailing_list.purpose.sentence,
        "lawful_basis": mailing_list.purpose.lawful_basis.value,
        "retention_months": mailing_list.purpose.retention_months,
    }
