"""Reading records again as an auditor would: does each still say what it committed to (C-044, T-022).

Works in slices of row ids, in flat memory, and opens the keys of a slice at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from mailer.consent.models import ConsentPayload, ConsentRecord, ConsentSubject, EvidenceBlob
from mailer.consent.records import SALT_BYTES, commitment
from mailer.consent.states import DPV_TERMS
from mailer.consent.subjects import place_of_key
from mailer.foundation import cipher, keystore
from mailer.foundation.blotting import blot, link_digests
from mailer.foundation.cipher import CannotOpen
from mailer.foundation.clock import iso
from mailer.foundation.database import db
from mailer.lists import MailingList
from mailer.organisations import Organisation


class RecordProblem(StrEnum):
    """What is wrong with a record."""

    PAYLOAD_MISSING = "payload_missing"
    PAYLOAD_UNREADABLE = "payload_unreadable"
    PAYLOAD_REMAINS = "payload_remains"
    PAYLOAD_DIFFERS = "payload_differs"
    COMMITMENT_DIFFERS = "commitment_differs"


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A record with what is wrong with it; `problem` is None when it is as it was written."""

    record_id: int
    public_id: str
    organisation_id: int
    problem: RecordProblem | None
    message: str = ""


def recheck_records(after: int, through: int, limit: int = 500) -> list[Rechecked]:
    """Up to `limit` records behind the row id `after`, up to `through`, each compared with its payload.

    Raises Unavailable when the keys cannot be read.
    """
    rows = db.session.execute(_query(after, through).limit(limit)).all()
    keys = keystore.find_many({row.subject for row in rows if row.sealed is not None})
    return [_recheck(row, keys.get(row.subject)) for row in rows]


def _query(after: int, through: int) -> sa.Select[*tuple[Any, ...]]:
    followed, ended = aliased(ConsentRecord), aliased(ConsentRecord)
    return (
        sa.select(
            ConsentRecord.id,
            ConsentRecord.public_id,
            ConsentRecord.organisation_id,
            ConsentRecord.matter,
            ConsentRecord.state,
            ConsentRecord.commitment,
            ConsentRecord.recorded_at,
            ConsentSubject.id.label("subject_id"),
            ConsentSubject.public_id.label("subject"),
            ConsentSubject.erased_at,
            ConsentPayload.sealed,
            Organisation.public_id.label("organisation"),
            MailingList.public_id.label("mailing_list"),
            followed.public_id.label("follows"),
            ended.public_id.label("ends"),
        )
        .join(ConsentSubject, ConsentSubject.id == ConsentRecord.subject_id)
        .join(Organisation, Organisation.id == ConsentRecord.organisation_id)
        .outerjoin(ConsentPayload, ConsentPayload.record_id == ConsentRecord.id)
        .outerjoin(MailingList, MailingList.id == ConsentRecord.mailing_list_id)
        .outerjoin(followed, followed.id == ConsentRecord.follows_id)
        .outerjoin(ended, ended.id == ConsentRecord.ends_id)
        .where(ConsentRecord.id > after, ConsentRecord.id <= through)
        .order_by(ConsentRecord.id)
    )


def _recheck(row: sa.Row[*tuple[Any, ...]], sealed_key: bytes | None) -> Rechecked:
    if row.erased_at is not None:
        if row.sealed is None:
            return _result(row, None)
        return _result(
            row, RecordProblem.PAYLOAD_REMAINS, "its person was erased, its payload was not"
        )
    if row.sealed is None:
        return _result(
            row, RecordProblem.PAYLOAD_MISSING, "its payload is gone, its person was not erased"
        )
    try:
        opened = _open(row, sealed_key)
    except CannotOpen as error:
        if _was_erased_meanwhile(row.subject_id):
            return _result(row, None)
        return _result(row, RecordProblem.PAYLOAD_UNREADABLE, str(error))
    salt, canonical = opened[:SALT_BYTES], opened[SALT_BYTES:]
    if commitment(salt, canonical) != row.commitment:
        return _result(
            row, RecordProblem.COMMITMENT_DIFFERS, "its payload is not what it committed to"
        )
    payload: dict[str, Any] = json.loads(canonical)
    wrong = _differences(row, payload)
    if wrong:
        return _result(
            row, RecordProblem.PAYLOAD_DIFFERS, f"record and payload differ in {', '.join(wrong)}"
        )
    return _recheck_mail(row, sealed_key or b"", payload)


def _recheck_mail(
    row: sa.Row[*tuple[Any, ...]], sealed_key: bytes, payload: Mapping[str, Any]
) -> Rechecked:
    """Whether the mail that a record names is kept, is the one that left, and is shown as the record says.

    A DKIM signature in it is over the mail as it left, which the service alone holds.
    """
    mail = payload["evidence"].get("confirmation_mail")
    if not mail:
        return _result(row, None)
    sha256 = str(mail["sha256"])
    sealed = db.session.scalar(
        sa.select(EvidenceBlob.sealed).where(
            EvidenceBlob.subject_id == row.subject_id, EvidenceBlob.sha256 == sha256
        )
    )
    if sealed is None:
        return _result(row, RecordProblem.PAYLOAD_MISSING, "the mail that it names is gone")
    try:
        key = cipher.open_sealed(sealed_key, bound_to=place_of_key(row.subject))
        body = cipher.open_with(key, sealed, bound_to=f"evidence_blobs.{sha256}")
    except CannotOpen as error:
        return _result(row, RecordProblem.PAYLOAD_UNREADABLE, f"its mail: {error}")
    as_shown = hashlib.sha256(blot(body)).hexdigest()
    if hashlib.sha256(body).hexdigest() != sha256:
        return _result(row, RecordProblem.PAYLOAD_DIFFERS, "its mail is not the one that left")
    if mail.get("blotted_sha256", as_shown) != as_shown or (
        mail.get("link_sha256s", link_digests(body)) != link_digests(body)
    ):
        message = "its mail with the links blotted out is not the one that it names"
        return _result(row, RecordProblem.PAYLOAD_DIFFERS, message)
    return _result(row, None)


def _open(row: sa.Row[*tuple[Any, ...]], sealed_key: bytes | None) -> bytes:
    if sealed_key is None:
        raise CannotOpen("the key of its person is gone, though they were not erased")
    key = cipher.open_sealed(sealed_key, bound_to=place_of_key(row.subject))
    return cipher.open_with(key, row.sealed, bound_to=f"consent_payloads.{row.public_id}")


def _differences(row: sa.Row[*tuple[Any, ...]], payload: Mapping[str, Any]) -> Sequence[str]:
    """The members of a payload that say something else than the columns of its record."""
    described = payload.get("mailing_list")
    wanted = {
        "record": row.public_id,
        "organisation": row.organisation,
        "subject": row.subject,
        "matter": row.matter.value,
        "state": row.state.value,
        "status": DPV_TERMS[row.state],
        "recorded_at": iso(row.recorded_at),
        "follows": row.follows,
        "ends": row.ends,
    }
    wrong = [name for name, value in wanted.items() if payload.get(name) != value]
    if (described or {}).get("id") != row.mailing_list:
        wrong.append("mailing_list")
    return wrong


def _was_erased_meanwhile(subject_id: int) -> bool:
    db.session.rollback()
    return (
        db.session.scalar(
            sa.select(ConsentSubject.erased_at).where(ConsentSubject.id == subject_id)
        )
        is not None
    )


def _result(
    row: sa.Row[*tuple[Any, ...]], problem: RecordProblem | None, message: str = ""
) -> Rechecked:
    return Rechecked(row.id, row.public_id, row.organisation_id, problem, message)
