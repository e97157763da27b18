"""Each act or event of a thread as a consent status: what, when, by whom, how, for how long (R-006 to R-009).

A double opt-in is two of them: the form was sent (requested), the mailed link's button was pressed (given).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mailer import consent
from mailer.consent import (
    ALLOWS_SENDING,
    DPV_TERMS,
    ConsentState,
    Origin,
    Provenance,
    TimelineEntry,
)
from mailer.foundation.clock import iso
from mailer.receipts.gathering import Surroundings, submission_of
from mailer.receipts.processes import WITHDRAWAL
from mailer.receipts.vocabulary import BY_CONTROLLER, LEGAL_BASES

_S = ConsentState
_FORM_SENT = "web form sent with the empty box ticked; the address was not verified yet"
_METHODS = {
    _S.REQUESTED: _FORM_SENT,
    _S.REFUSED: "web form sent with the box left empty",
    _S.EXPIRED: "the consent had become too old",
    _S.TERMINATED: "ended by the organisation",
    _S.INVALIDATED: "the person said that it was not theirs",
}
_BROUGHT = (Origin.ELSEWHERE, Origin.UNPROVEN)
_MAIL = {
    "messageId": "message_id",
    "sha256": "sha256",
    "answeredAt": "answered_at",
    "replyCode": "reply_code",
}
ANCHORED, NOT_ANCHORED = "anchored", "not yet anchored"


def write_indication(entry: TimelineEntry, around: Surroundings) -> dict[str, Any]:
    """One record of the ledger, with its commitment and its place in the log (T-034)."""
    record, payload = entry.record, entry.payload or {}
    state, provenance = record.state, provenance_in(entry)
    kinds = [DPV_TERMS[state]]
    if state in ALLOWS_SENDING:
        kinds.append("dpv:ExpressedConsent")
    told: dict[str, Any] = {
        "@type": kinds,
        "dpv:isIndicatedAtTime": iso(record.recorded_at),
        "dpv:isIndicatedBy": (
            "dpv:DataController"
            if state in BY_CONTROLLER or provenance.origin in _BROUGHT
            else "dpv:DataSubject"
        ),
        "dpv:hasIndicationMethod": method_of(entry),
        "x:consentOrigin": provenance.origin.value,
        "dpv:hasDuration": _duration(state, payload, around),
        "dpv:hasLegalBasis": list(LEGAL_BASES),
        "x:recordId": record.public_id,
        "x:algorithm": record.algorithm,
        "x:commitment": record.commitment.hex(),
    }
    told |= _moments(entry)
    told |= {f"x:{name}": payload[name] for name in ("follows", "ends") if payload.get(name)}
    told |= _evidence(payload.get("evidence") or {})
    position = around.positions.get(record.public_id)
    if position is not None:
        told["x:logIndex"] = position
    is_anchored = position is not None and position < around.log.size
    told["x:logState"] = ANCHORED if is_anchored else NOT_ANCHORED
    return told


def provenance_in(entry: TimelineEntry) -> Provenance:
    """How the consent of a record came about."""
    return consent.provenance_of({**(entry.payload or {}), "state": entry.record.state.value})


def given_at(entry: TimelineEntry) -> datetime | None:
    """When a consent was given: here, or elsewhere as its source says; None where the source does not say."""
    if provenance_in(entry).origin is not Origin.ELSEWHERE:
        return entry.record.recorded_at
    told = str(((entry.payload or {}).get("evidence") or {})["imported"].get("consented_at") or "")
    return datetime.fromisoformat(told) if told else None


def method_of(entry: TimelineEntry) -> str:
    """How it was said, in words."""
    state, provenance = entry.record.state, provenance_in(entry)
    if state in ALLOWS_SENDING or state is _S.UNKNOWN:
        return consent.how(provenance)
    if state in _METHODS:
        return _METHODS[state]
    evidence = (entry.payload or {}).get("evidence") or {}
    return str(evidence.get("method") or "Not recorded any more")


def _moments(entry: TimelineEntry) -> dict[str, str]:
    """Of a consent given elsewhere, when that was, if it is known, and when it was brought here."""
    if provenance_in(entry).origin is not Origin.ELSEWHERE:
        return {}
    at = given_at(entry)
    moment = {"dpv:isIndicatedAtTime": iso(at)} if at else {}
    return {**moment, "x:broughtAt": iso(entry.record.recorded_at)}


def _duration(
    state: ConsentState, payload: Mapping[str, Any], around: Surroundings
) -> dict[str, str]:
    if state is _S.REQUESTED:
        days = around.request_days.get(str(submission_of(payload).get("request")))
        if days is not None:
            return {"@type": "dpv:TemporalDuration", "rdf:value": f"P{days}D"}
        return _until("confirmation, or the end of the link")
    if state in ALLOWS_SENDING or state is _S.UNKNOWN:
        return _until(WITHDRAWAL)
    return _until("a new consent")


def _until(event: str) -> dict[str, str]:
    return {"@type": "dpv:UntilEventDuration", "rdf:value": event}


def _evidence(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What of the evidence may be shown to whoever holds the receipt: no address, network or browser."""
    told: dict[str, Any] = {}
    mail = evidence.get("confirmation_mail")
    if mail:
        told["x:confirmationMail"] = {
            f"x:{name}": str(mail[key]) for name, key in _MAIL.items() if mail.get(key)
        }
    page = (evidence.get("confirmation") or {}).get("page_sha256")
    return {**told, "x:pageSha256": page} if page else told
