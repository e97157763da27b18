"""Whether a receipt that somebody hands in is genuine, and what became of it since. Nothing is stored."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailer import consent, transparency
from mailer.consent import TRACKING, About, ConsentState
from mailer.foundation.errors import MailerError
from mailer.lists import get_list_by_id
from mailer.receipts.reading import read_receipt
from mailer.receipts.sealing import Verdict, check_document
from mailer.receipts.threads import find_ending, find_record
from mailer.receipts.vocabulary import RECEIPT_SCHEMA

CLOSING_SCHEMA = "mailer.closing/1"


class DocumentKind(StrEnum):
    """What a genuine document is."""

    RECEIPT = "receipt"
    CLOSING = "closing"
    OTHER = "other"


class LogFinding(StrEnum):
    """What a receipt says of the log, held against the log."""

    INCLUDED = "included"
    WAITING = "waiting"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of one consent: it stands, or has ended `since` then, by `ended_by` or an erasure.

    `record_id` is empty when the receipt tells of no consent that was given.
    """

    title: str
    record_id: str
    is_known: bool = False
    is_standing: bool = False
    is_erased: bool = False
    ended_by: ConsentState | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The answer about one document. Everything below `parts` is told of a genuine one only."""

    verdict: Verdict
    parts: tuple[str, ...] = ()
    kind: DocumentKind = DocumentKind.OTHER
    number: str = ""
    issued_at: str = ""
    standings: tuple[Standing, ...] = ()
    log: LogFinding = LogFinding.WAITING
    checkpoint_size: int = 0


def verify(given: bytes) -> Verification:
    """What can be said of the receipt in `given`. Raises Invalid when it is none (T-002, T-034)."""
    document = read_receipt(given)
    checked = check_document(document)
    if checked.verdict is not Verdict.GENUINE:
        return Verification(verdict=checked.verdict, parts=checked.parts)
    if document.get("dct:conformsTo") == RECEIPT_SCHEMA:
        return _of_receipt(document)
    if document.get("schema") == CLOSING_SCHEMA:
        return Verification(
            verdict=checked.verdict,
            kind=DocumentKind.CLOSING,
            number=str(document["erasure"]),
            issued_at=str(document["erased_at"]),
        )
    return Verification(verdict=checked.verdict)


def _of_receipt(document: Mapping[str, Any]) -> Verification:
    """`document` bears our signature: its members are as we wrote them."""
    log = document["x:log"]
    return Verification(
        verdict=Verdict.GENUINE,
        kind=DocumentKind.RECEIPT,
        number=document["dct:identifier"],
        issued_at=document["dct:created"],
        standings=tuple(_standing(record) for record in document["dpv:hasRecordOfActivity"]),
        log=_find_in_log(document),
        checkpoint_size=log.get("x:size", 0),
    )


def _standing(record: Mapping[str, Any]) -> Standing:
    title, record_id = record["dct:title"], record.get("x:madeValidBy", "")
    given = find_record(record_id) if record_id else None
    if given is None:
        return Standing(title=title, record_id=record_id)
    subject = consent.get_subject(given.subject_id)
    known = Standing(title=title, record_id=record_id, is_known=True)
    if subject.erased_at is not None:
        return replace(known, is_erased=True, since=subject.erased_at)
    list_id = given.mailing_list_id
    if consent.list_valid(subject, TRACKING if list_id is None else About(get_list_by_id(list_id))):
        return replace(known, is_standing=True)
    ending = find_ending(given)
    if ending is None:
        return known
    return replace(known, ended_by=ending.state, since=ending.recorded_at)


def _find_in_log(document: Mapping[str, Any]) -> LogFinding:
    """Whether the log still leads to the root that the receipt has, with the receipt's records below it."""
    log = document["x:log"]
    size = log.get("x:size", 0)
    anchored = [event for event in _events(document) if event.get("x:logIndex", size) < size]
    if not anchored:
        return LogFinding.WAITING
    try:
        is_there = all(_is_below(event, size, log["x:rootHash"]) for event in anchored)
    except MailerError:
        return LogFinding.DIFFERENT
    return LogFinding.INCLUDED if is_there else LogFinding.DIFFERENT


def _events(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for record in document["dpv:hasRecordOfActivity"]:
        yield from record["dpv:hasConsentStatus"]


def _is_below(event: Mapping[str, Any], size: int, root: str) -> bool:
    position = event["x:logIndex"]
    body = transparency.get_leaf(position)
    leaf = transparency.read_leaf(body)
    if (leaf.public_id, leaf.commitment.hex()) != (event["x:recordId"], event["x:commitment"]):
        return False
    proof = transparency.inclusion_proof(position, size)
    found = transparency.root_from_inclusion(position, size, transparency.hash_leaf(body), proof)
    return b64encode(found).decode() == root
