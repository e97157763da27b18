"""Reading the ledger: what a person was asked, what they answered, and the texts as they read then."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from mailer.consent.ledger import SALT_BYTES
from mailer.consent.models import ConsentPayload, ConsentRecord
from mailer.consent.subjects import find_key, get_subject, list_subjects
from mailer.foundation import cipher
from mailer.foundation.database import db


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A record with what it commits to; `payload` is None once the person was erased."""

    record: ConsentRecord
    payload: dict[str, Any] | None


def read_payload(record: ConsentRecord) -> dict[str, Any] | None:
    """What `record` commits to; None once its person was erased. Raises CannotOpen when changed."""
    return _read(open_payload(record))


def open_payload(record: ConsentRecord) -> tuple[bytes, bytes] | None:
    """Salt and canonical bytes of a record's payload; None once its person was erased."""
    payload = db.session.get(ConsentPayload, record.id)
    key = find_key(get_subject(record.subject_id)) if payload else None
    return _open(record, payload.sealed if payload else None, key)


def timeline(subject_ids: Collection[int]) -> list[TimelineEntry]:
    """All records about a person, newest first, who may stand in the ledger under several subjects."""
    query = (
        sa.select(ConsentRecord, ConsentPayload.sealed)
        .outerjoin(ConsentPayload, ConsentPayload.record_id == ConsentRecord.id)
        .where(ConsentRecord.subject_id.in_(subject_ids))
        .order_by(ConsentRecord.id.desc())
    )
    keys = {subject.id: find_key(subject) for subject in list_subjects(subject_ids)}
    return [
        TimelineEntry(record, _read(_open(record, sealed, keys[record.subject_id])))
        for record, sealed in db.session.execute(query)
    ]


def _open(
    record: ConsentRecord, sealed: bytes | None, key: bytes | None
) -> tuple[bytes, bytes] | None:
    if sealed is None or key is None:
        return None
    opened = cipher.open_with(key, sealed, bound_to=f"consent_payloads.{record.public_id}")
    return opened[:SALT_BYTES], opened[SALT_BYTES:]


def _read(opened: tuple[bytes, bytes] | None) -> dict[str, Any] | None:
    return None if opened is None else cast("dict[str, Any]", json.loads(opened[1]))
