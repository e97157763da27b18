"""The same consent as a Kantara Consent Receipt 1.1.0, for systems that read that (R-010, Annex B)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from mailer.consent import TimelineEntry
from mailer.foundation.errors import NotFound
from mailer.organisations import NOBODY, told_recipients
from mailer.receipts.gathering import Surroundings, gather, submission_of
from mailer.receipts.indications import given_at, method_of
from mailer.receipts.records import record_id
from mailer.receipts.sealing import list_public_keys
from mailer.receipts.threads import Thread

VERSION = "KI-CR-v1.1.0"
_CATEGORIES = {"pd:EmailAddress": "Contact", "pd:Name": "Personal identifier"}


def export_kantara(thread: Thread) -> dict[str, Any]:
    """The newest given consent of a thread. Raises NotFound when none was ever given.

    `policyUrl` is the version of the notice that was in force when it was given; empty where that is not
    recorded.
    """
    given = thread.given
    if given is None:
        raise NotFound("No consent was given here, so there is none to export.")
    return write_kantara(thread, given, gather(thread))


def write_kantara(thread: Thread, given: TimelineEntry, around: Surroundings) -> dict[str, Any]:
    """The members of Annex B, in their order there."""
    organisation = thread.organisation
    return {
        "version": VERSION,
        "jurisdiction": organisation.country or "EU",
        "consentTimestamp": int((given_at(given) or given.record.recorded_at).timestamp()),
        "collectionMethod": method_of(given),
        "consentReceiptID": record_id(thread),
        "publicKey": b64encode(list_public_keys()[0].raw).decode(),
        "language": thread.topic.language,
        "piiPrincipalId": thread.subject_id,
        "piiControllers": [
            {
                "piiController": organisation.legal_name or organisation.name,
                "onBehalf": False,
                "contact": organisation.dpo_name or organisation.legal_name or organisation.name,
                "address": {
                    "streetAddress": _address(thread),
                    "addressCountry": organisation.country,
                },
                "email": organisation.contact_email,
                "phone": organisation.phone,
                "piiControllerUrl": organisation.website,
            }
        ],
        "policyUrl": _policy_url(given, around),
        "services": [_service(thread, around)],
        "sensitive": False,
        "spiCat": [],
    }


def _service(thread: Thread, around: Surroundings) -> dict[str, Any]:
    topic = thread.topic
    others = told_recipients(thread.organisation)
    kept = f"; the proof is kept {topic.retention_months} months longer"
    return {
        "service": topic.name,
        "purposes": [
            {
                "purpose": topic.sentence,
                "purposeCategory": ["Marketing"],
                "consentType": "EXPLICIT",
                "piiCategory": [
                    _CATEGORIES.get(answer.term, answer.title) for answer in around.answers
                ],
                "primaryPurpose": True,
                "termination": "withdrawal of the consent"
                + (kept if topic.retention_months is not None else ""),
                "thirdPartyDisclosure": others not in ("", NOBODY),
                "thirdPartyName": others if others != NOBODY else "",
            }
        ],
    }


def _address(thread: Thread) -> str:
    organisation = thread.organisation
    place = f"{organisation.postcode} {organisation.city}".strip()
    return ", ".join(part for part in (organisation.street, place) if part)


def _policy_url(given: TimelineEntry, around: Surroundings) -> str:
    seen = around.notices.get(str(submission_of(given.payload).get("notice_sha256")))
    return seen.url if seen else ""
