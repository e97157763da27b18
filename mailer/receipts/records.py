"""The consent record of one person on one topic, as JSON-LD in the words of DPV 2.3 (R-001 to R-009)."""

from __future__ import annotations

import uuid
from typing import Any

from mailer.consent import Matter
from mailer.foundation.clock import iso
from mailer.receipts.entities import list_entities
from mailer.receipts.gathering import NoticeSeen, Surroundings, submission_of
from mailer.receipts.indications import write_indication
from mailer.receipts.processes import write_process
from mailer.receipts.threads import Thread
from mailer.receipts.vocabulary import RECORD_SCHEMA, context

_NAMESPACE = uuid.UUID("6a1d6c2e-3b53-5f0c-9a3e-7a1f0c2d9b41")


def record_id(thread: Thread) -> str:
    """The UUID of a thread's record: the same each time it is written."""
    return str(uuid.uuid5(_NAMESPACE, f"{thread.subject_id}:{thread.topic.id}"))


def write_record(thread: Thread, around: Surroundings) -> dict[str, Any]:
    """The whole record; the person appears by a pseudonym only (R-005)."""
    number = record_id(thread)
    record: dict[str, Any] = {
        "@context": context(around.public_url),
        "@id": f"urn:uuid:{number}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": RECORD_SCHEMA,
        "dct:identifier": number,
        "dct:title": thread.topic.name,
        "dct:created": iso(thread.entries[0].record.recorded_at),
        "dct:modified": iso(thread.newest.record.recorded_at),
        "dct:language": thread.topic.language,
        "dpv:hasDataSubject": write_subject(thread),
        "dpv:hasNotice": _notices(thread, around),
        "dpv:hasProcess": [write_process(thread, around)],
        "dpv:hasEntity": list_entities(thread.organisation, around.public_url),
        "dpv:hasConsentStatus": [write_indication(entry, around) for entry in thread.entries],
    }
    if thread.given is not None:
        record["x:madeValidBy"] = thread.given.record.public_id
    return record


def write_subject(thread: Thread) -> dict[str, Any]:
    """The person, opaque."""
    return {
        "@id": f"urn:x-subject:{thread.subject_id}",
        "@type": "dpv:DataSubject",
        "dct:identifier": thread.subject_id,
    }


def _notices(thread: Thread, around: Surroundings) -> list[dict[str, Any]]:
    """What was shown: the words beside the box, the form, and the privacy notice it linked to."""
    shown: dict[str, dict[str, Any]] = {}
    for entry in thread.entries:
        evidence = (entry.payload or {}).get("evidence") or {}
        seen = around.notices.get(str(submission_of(entry.payload).get("notice_sha256")))
        if seen is not None:
            shown[seen.url] = _privacy_notice(seen)
        for node in _consent_notices(thread, evidence):
            shown[node["@id"]] = node
    if not any("dpv:PrivacyNotice" in node["@type"] for node in shown.values()):
        told = "It is not recorded which notice was shown."
        if around.current_notice is not None:
            node = _privacy_notice(around.current_notice)
            told += " This is the one in force."
            shown[node["@id"]] = {**node, "dct:description": told}
        else:
            shown[""] = {"@type": ["dpv:PrivacyNotice"], "dct:description": told}
    return list(shown.values())


def _privacy_notice(seen: NoticeSeen) -> dict[str, Any]:
    return {
        "@id": seen.url,
        "@type": ["dpv:PrivacyNotice"],
        "dct:date": seen.published_on,
        "dct:language": seen.language,
        "x:noticeNumber": seen.number,
        "x:textSha256": seen.sha256,
    }


def _consent_notices(thread: Thread, evidence: dict[str, Any]) -> list[dict[str, Any]]:
    submission = evidence.get("submission") or evidence
    found = []
    if submission.get("definition_sha256"):
        node = _text_notice(submission["definition_sha256"], submission.get("locale"))
        node["dct:description"] = _words_beside_the_box(thread, submission)
        page = str(submission.get("form_url") or "").partition("#")[0].partition("?")[0]
        # The query may name a person: it stays with the evidence.
        found.append({**node, "x:shownOn": page} if page else node)
    if evidence.get("shown_sha256"):
        found.append(_text_notice(evidence["shown_sha256"], None))
    return found


def _text_notice(sha256: str, language: str | None) -> dict[str, Any]:
    return {
        "@id": f"urn:x-sha256:{sha256}",
        "@type": ["dpv:ConsentNotice"],
        "dct:language": language or "en",
        "x:textSha256": sha256,
    }


def _words_beside_the_box(thread: Thread, submission: dict[str, Any]) -> str:
    wanted = "" if thread.topic.matter is Matter.TRACKING else thread.topic.id
    labels = (
        str(control.get("label") or "")
        for control in submission.get("controls") or ()
        if str(control.get("mailing_list") or "") == wanted
    )
    return next(labels, "") or thread.topic.name
