"""Reading the ledger: what a person was asked, what they answered, and the texts as they read then."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from mailer.consent.models import ConsentPayload, ConsentRecord
from mailer.consent.records import SALT_BYTES
from mailer.consent.subjects import find_readable_key, get_subject, list_subjects, try_to_open
from mailer.foundation.database import db


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A record with what it commits to; `payload` is None once the person was erased, and where it is lost."""

    record: ConsentRecord
    payload: dict[str, Any] | None
    is_lost: bool = False  # there is a payload, and it cannot be opened


def read_payload(record: ConsentRecord) -> dict[str, Any] | None:
    """What `record` commits to; None once its person was erased, and where it cannot be opened."""
    return _read(open_payload(record))


def open_payload(record: ConsentRecord) -> tuple[bytes, bytes] | None:
    """Salt and canonical bytes of a record's payload.

    None once its person was erased, and where it cannot be opened, which is told as an alarm.
    """
    payload = db.session.get(ConsentPayload, record.id)
    key = find_readable_key(get_subject(record.subject_id)) if payload else None
    return _open(record, payload.sealed if payload else None, key)


def timeline(subject_ids: Collection[int]) -> list[TimelineEntry]:
    """All records about a person, newest first, who may stand in the ledger under several subjects."""
    query = (
        sa.select(ConsentRecord, ConsentPayload.sealed)
        .outerjoin(ConsentPayload, ConsentPayload.record_id == ConsentRecord.id)
        .where(ConsentRecord.subject_id.in_(subject_ids))
        .order_by(ConsentRecord.id.desc())
    )
    keys = {subject.id: find_readable_key(subject) for subject in list_subjects(subject_ids)}
    entries = []
    for record, sealed in db.session.execute(query):
        payload = _read(_open(record, sealed, keys[record.subject_id]))
        entries.append(TimelineEntry(record, payload, sealed is not None and payload is None))
    return entries


def _open(
    record: ConsentRecord, sealed: bytes | None, key: bytes | None
) -> tuple[bytes, bytes] | None:
    if sealed is None:
        return None
    opened = try_to_open(key, sealed, f"consent_payloads.{record.public_id}")
    return None if opened is None else (opened[:SALT_BYTES], opened[SALT_BYTES:])


def _read(opened: tuple[bytes, bytes] | None) -> dict[str, Any] | None:
    return None if opened is None else cast("dict[str, Any]", json.loads(opened[1]))
