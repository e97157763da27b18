"""Reading the ledger: what a person was asked, what they answered, and the texts as they read then."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from mailer.consent.ledger import SALT_BYTES
from mailer.consent.models import ConsentPayload, ConsentRecord
from mailer.consent.subjects import get_subject, key_of
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
    return _opened(record, payload.sealed if payload else None)


def timeline(subject_ids: Collection[int]) -> list[TimelineEntry]:
    """All records about a person, newest first, who may stand in the ledger under several subjects."""
    query = (
        sa.select(ConsentRecord, ConsentPayload.sealed)
        .outerjoin(ConsentPayload, ConsentPayload.record_id == ConsentRecord.id)
        .where(ConsentRecord.subject_id.in_(subject_ids))
        .order_by(ConsentRecord.id.desc())
    )
    return [
        TimelineEntry(record, _read(_opened(record, sealed)))
        for record, sealed in db.session.execute(query)
    ]


def _opened(record: ConsentRecord, sealed: bytes | None) -> tuple[bytes, bytes] | None:
    subject = get_subject(record.subject_id)
    if sealed is None or subject.wrapped_key is None:
        return None
    place = f"consent_payloads.{record.public_id}"
    opened = cipher.open_with(key_of(subject), sealed, bound_to=place)
    return opened[:SALT_BYTES], opened[SALT_BYTES:]


def _read(opened: tuple[bytes, bytes] | None) -> dict[str, Any] | None:
    return None if opened is None else cast("dict[str, Any]", json.loads(opened[1]))
