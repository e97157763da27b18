"""The processing a consent allows: what for, which data, where, for how long, and the person's rights."""

from __future__ import annotations

from typing import Any

from mailer.consent import Matter
from mailer.organisations import Organisation, told_transfers
from mailer.receipts.entities import authority_id, controller_id, write_recipients
from mailer.receipts.gathering import Surroundings
from mailer.receipts.threads import Thread
from mailer.receipts.vocabulary import LEGAL_BASES, MEMBER_STATES, PURPOSES, RIGHTS

WITHDRAWAL = "withdrawal of the consent"
_PROCESSING = ("dpv:Collect", "dpv:Store", "dpv:Use", "dpv:Transmit")
_MEASURED = (
    ("pd:Interaction", "Which mails are opened"),
    ("pd:LinkClicked", "Which links are followed"),
)
_AT_CONTROLLER = frozenset(RIGHTS) - {"eu-gdpr:A7-3", "eu-gdpr:A77"}


def write_process(thread: Thread, around: Surroundings) -> dict[str, Any]:
    """The processing of one topic with every field that the GDPR asks for (Annex A)."""
    topic, organisation = thread.topic, thread.organisation
    controller = {"@id": controller_id(organisation, around.public_url)}
    return {
        "@type": "dpv:Process",
        "dct:title": topic.name,
        "dpv:hasPurpose": [{"@type": PURPOSES[topic.matter], "dct:description": topic.sentence}],
        "dpv:hasService": [_service(thread)],
        "dpv:hasPersonalData": _personal_data(thread, around),
        "dpv:hasLegalBasis": list(LEGAL_BASES),
        "dpv:hasDataController": [controller],
        "dpv:hasDataSource": _sources(thread),
        "dpv:hasProcessing": list(_PROCESSING),
        "dpv:hasLocation": _locations(around),
        "dpv:hasRule": [{"@type": "dpv:Rule", "dct:description": _transfers(organisation)}],
        "dpv:hasRecipient": [controller, *write_recipients(organisation)],
        "dpv:hasStorageCondition": _storage(thread, around),
        "dpv:hasJurisdiction": _jurisdiction(organisation),
        "dpv:hasApplicableLaw": ["legal-eu:law-GDPR"],
        "dpv:hasConsentControl": [
            {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": around.withdrawal_url}
        ],
        "dpv:hasRight": _rights(organisation, around),
        "dpv:hasAuthority": [{"@id": authority_id(organisation, around.public_url)}],
    }


def _sources(thread: Thread) -> list[str]:
    """The person, and the organisation's other systems where something was imported from them."""
    brought = [
        ((one.payload or {}).get("evidence") or {}).get("imported") for one in thread.entries
    ]
    imported = ["dpv:DataControllerDataSource"] if any(brought) else []
    return imported if all(brought) else ["dpv:DataSubjectDataSource", *imported]


def _service(thread: Thread) -> dict[str, Any]:
    topic = thread.topic
    about = " ".join(part for part in (topic.description, topic.frequency) if part)
    service = {"@type": "dpv:Service", "dct:title": topic.name}
    return {**service, "dct:description": about} if about else service


def _personal_data(thread: Thread, around: Surroundings) -> list[dict[str, Any]]:
    found = [
        {
            "@type": [answer.term],
            "dct:title": answer.title,
            "dpv:hasNecessity": "dpv:Required" if answer.is_required else "dpv:Optional",
        }
        for answer in around.answers
    ]
    if thread.topic.matter is Matter.TRACKING:
        found += [
            {"@type": [term], "dct:title": title, "dpv:hasNecessity": "dpv:Optional"}
            for term, title in _MEASURED
        ]
    return found


def _locations(around: Surroundings) -> list[Any]:
    """Where the data lie, as far as the operator has set it; what is said of transfers names no place."""
    if around.storage_countries:
        return [f"loc:{code}" for code in around.storage_countries]
    return [{"@type": "dpv:Location", "dct:description": "Not stated"}]


def _storage(thread: Thread, around: Surroundings) -> list[dict[str, Any]]:
    until = {"@type": "dpv:UntilEventDuration", "rdf:value": WITHDRAWAL}
    conditions: list[dict[str, Any]] = [
        {"@type": "dpv:StorageLocation", "dpv:hasLocation": _locations(around)},
        {"@type": "dpv:StorageDuration", "dpv:hasDuration": until},
    ]
    months = thread.topic.retention_months
    kept = (
        {"@type": "dpv:TemporalDuration", "rdf:value": f"P{months}M"}
        if months is not None
        else {"@type": "dpv:UntilEventDuration", "rdf:value": "the end of the longest retention"}
    )
    conditions.append(
        {
            "@type": "dpv:StorageDeletion",
            "dct:description": "The proof of the consent is kept after the withdrawal for this long.",
            "dpv:hasDuration": kept,
        }
    )
    return conditions


def _jurisdiction(organisation: Organisation) -> list[str]:
    own = [f"loc:{organisation.country}"] if organisation.country else []
    is_within = organisation.country in MEMBER_STATES or not own
    return [*own, "loc:EU"] if is_within else own


def _transfers(organisation: Organisation) -> str:
    return told_transfers(organisation) or "Not stated"


def _rights(organisation: Organisation, around: Surroundings) -> list[dict[str, Any]]:
    places = dict.fromkeys(_AT_CONTROLLER, f"mailto:{organisation.contact_email}")
    places["eu-gdpr:A7-3"] = around.withdrawal_url
    places["eu-gdpr:A77"] = organisation.authority_url or organisation.authority_name
    return [
        {
            "@type": ["dpv:DataSubjectRight", article],
            "dct:title": title,
            "dpv:isExercisedAt": places[article] or "Not stated",
        }
        for article, title in RIGHTS.items()
    ]
