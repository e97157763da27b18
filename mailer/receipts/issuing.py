"""Issuing a receipt: the record as it stands now, with the newest checkpoint, signed (R-001, R-012, T-034)."""

from __future__ import annotations

import uuid
from typing import Any

from mailer.foundation.clock import iso, now
from mailer.receipts.gathering import LogView, Surroundings, gather
from mailer.receipts.records import write_record, write_subject
from mailer.receipts.sealing import sign_document
from mailer.receipts.threads import Thread
from mailer.receipts.vocabulary import RECEIPT_SCHEMA


def compose_record(thread: Thread) -> dict[str, Any]:
    """The consent record of a thread as it stands now, for exchange with other systems (R-001)."""
    return write_record(thread, gather(thread))


def issue(thread: Thread) -> dict[str, Any]:
    """A receipt of a thread as it stands now: a signed document with a number of its own (R-012)."""
    around = gather(thread)
    return sign_document(write_receipt(thread, around, number=str(uuid.uuid4()), at=iso(now())))


def write_receipt(thread: Thread, around: Surroundings, *, number: str, at: str) -> dict[str, Any]:
    """The receipt without its signature. `number` is a UUID, `at` the time it is issued, ISO 8601 UTC."""
    record = write_record(thread, around)
    context = record.pop("@context")
    return {
        "@context": context,
        "@id": f"urn:uuid:{number}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT_SCHEMA,
        "dct:identifier": number,
        "dpv:hasIdentifier": number,
        "dct:created": at,
        "dct:title": f"Consent receipt: {thread.topic.name}",
        "dct:language": "en",
        "dpv:hasDataSubject": write_subject(thread),
        "dpv:hasRecordOfActivity": [record],
        "x:log": _log(around.log),
    }


def _log(log: LogView) -> dict[str, Any]:
    """The newest checkpoint; until there is one, the name of the log alone."""
    if not log.note:
        return {"x:origin": log.origin}
    return {
        "x:origin": log.origin,
        "x:size": log.size,
        "x:rootHash": log.root,
        "x:signedAt": log.signed_at,
        "x:witnesses": list(log.witnesses),
        "x:timeStamps": list(log.stamps),
        "x:checkpoint": log.note,
    }
