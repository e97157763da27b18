"""A receipt in words, for the page and for the mail: everything from the signed document, nothing besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer import consent
from mailer.consent import (
    ALLOWS_SENDING,
    DPV_TERMS,
    ORIGIN_WORDS,
    ConsentState,
    Origin,
    TimelineEntry,
)
from mailer.organisations import country_name
from mailer.receipts.indications import ANCHORED

_S = ConsentState
WORDS: dict[ConsentState, str] = {
    _S.REQUESTED: "Asked",
    _S.GIVEN: "Agreed",
    _S.RENEWED: "Agreed again",
    _S.REFUSED: "Not agreed",
    _S.WITHDRAWN: "Withdrawn",
    _S.EXPIRED: "Expired",
    _S.TERMINATED: "Ended by the organisation",
    _S.INVALIDATED: "Disputed",
    _S.UNKNOWN: "Brought here without proof",
}
_LASTING = (_S.REQUESTED, _S.GIVEN, _S.RENEWED)
_STATES = {term: state for state, term in DPV_TERMS.items()}
_PLAIN = (Origin.FORM, Origin.NOT_GIVEN, Origin.UNRECORDED)  # where the word of the state says it
_WITHDRAW, _COMPLAIN = "eu-gdpr:A7-3", "eu-gdpr:A77"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A label and what stands behind it. `kind` is text, time (ISO), code, or link."""

    label: str
    value: str
    kind: str = "text"

    @property
    def at(self) -> datetime:
        """The moment of a line of the kind `time`."""
        return datetime.fromisoformat(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading and its lines."""

    heading: str
    lines: tuple[Line, ...]


def tell(receipt: Mapping[str, Any]) -> list[Part]:
    """The parts of a receipt in the order a reader asks."""
    record = receipt["dpv:hasRecordOfActivity"][0]
    process = record["dpv:hasProcess"][0]
    return [
        Part(heading="What it is about", lines=tuple(_about(record, process))),
        *(_event(event) for event in record["dpv:hasConsentStatus"]),
        Part(heading="Who is responsible", lines=tuple(_parties(record))),
        Part(heading="What happens with your data", lines=tuple(_data(record, process))),
        Part(heading="Your rights", lines=tuple(_rights(process))),
        Part(heading="To check it", lines=tuple(_checking(receipt, record))),
    ]


def tell_as_text(receipt: Mapping[str, Any]) -> tuple[str, ...]:
    """The same as paragraphs of plain text."""
    return tuple(
        "\n".join([f"{part.heading}:", *(f"{line.label}: {line.value}" for line in part.lines)])
        for part in tell(receipt)
    )


def state_of(event: Mapping[str, Any]) -> ConsentState:
    """The state that an event of a document tells."""
    return next(_STATES[kind] for kind in event["@type"] if kind in _STATES)


def word_of(entry: TimelineEntry) -> str:
    """What happened, in a word or two."""
    return WORDS[entry.record.state]


def _about(record: Mapping[str, Any], process: Mapping[str, Any]) -> list[Line]:
    service = process["dpv:hasService"][0]
    lines = [Line(label="About", value=record["dct:title"])]
    if service.get("dct:description"):
        lines.append(Line(label="Content", value=service["dct:description"]))
    lines.append(Line(label="Purpose", value=process["dpv:hasPurpose"][0]["dct:description"]))
    for notice in record["dpv:hasNotice"]:
        if "dpv:PrivacyNotice" in notice["@type"] and "@id" in notice:
            lines.append(Line(label="Privacy notice", value=notice["@id"], kind="link"))
        elif notice.get("x:shownOn"):
            lines.append(Line(label="Words beside the box", value=notice["dct:description"]))
            lines.append(Line(label="Shown on", value=notice["x:shownOn"]))
    return lines


def _event(event: Mapping[str, Any]) -> Part:
    is_anchored = event["x:logState"] == ANCHORED
    place = f"position {event['x:logIndex']}" if is_anchored else "not yet anchored"
    method = event["dpv:hasIndicationMethod"]
    at, brought_at = event["dpv:isIndicatedAtTime"], event.get("x:broughtAt")
    lines = [
        _when(at, is_known=at != brought_at, is_elsewhere=brought_at is not None),
        *([Line(label="Brought here", value=brought_at, kind="time")] if brought_at else ()),
        Line(label="How", value=method[:1].upper() + method[1:]),
    ]
    if state_of(event) in _LASTING:
        duration = event["dpv:hasDuration"]
        is_span = duration["@type"] == "dpv:TemporalDuration"
        label = "Waits for the confirmation for" if is_span else "Valid until"
        lines.append(Line(label=label, value=_duration(duration)))
    mail = event.get("x:confirmationMail")
    if mail and mail.get("x:answeredAt"):
        is_asking = _origin_of(event) is Origin.PERMISSION
        label = "Permission mail" if is_asking else "Confirmation mail"
        lines.append(Line(label=label, value=mail["x:answeredAt"], kind="time"))
    lines += [
        Line(label="Record", value=event["x:recordId"], kind="code"),
        Line(label="Commitment", value=event["x:commitment"], kind="code"),
        Line(label="In the log", value=place),
    ]
    return Part(heading=_heading(event), lines=tuple(lines))


def _when(at: str, *, is_known: bool, is_elsewhere: bool) -> Line:
    """When a consent was given; a source elsewhere may have told the day alone, or nothing."""
    if not is_known:
        return Line(label="When", value="Not recorded")
    moment = datetime.fromisoformat(at)
    if is_elsewhere and consent.is_day_only(moment):
        return Line(label="When", value=f"{moment.day} {moment:%B} {moment.year}")
    return Line(label="When", value=at, kind="time")


def _origin_of(event: Mapping[str, Any]) -> Origin:
    return Origin(event.get("x:consentOrigin", Origin.UNRECORDED))


def _heading(event: Mapping[str, Any]) -> str:
    origin, state = _origin_of(event), state_of(event)
    if origin in _PLAIN or (state not in ALLOWS_SENDING and state is not _S.UNKNOWN):
        return WORDS[state]
    told = consent.event_of(origin)
    return told[:1].upper() + told[1:]


def _basis(record: Mapping[str, Any]) -> str:
    events = record["dpv:hasConsentStatus"]
    given = [_origin_of(event) for event in events if state_of(event) in ALLOWS_SENDING]
    return ORIGIN_WORDS[given[-1] if given else Origin.NOT_GIVEN].basis


def _parties(record: Mapping[str, Any]) -> list[Line]:
    lines = []
    for party in record["dpv:hasEntity"]:
        told = [
            party["dpv:hasName"],
            party.get("dpv:hasAddress", ""),
            *party.get("dpv:hasContact", ()),
        ]
        label = {
            "dpv:DataController": "Organisation",
            "dpv:DataProtectionOfficer": "Data protection officer",
            "dpv:Representative": "Representative in the Union",
            "dpv:DataProtectionAuthority": "Supervisory authority",
        }[party["@type"][-1]]
        lines.append(Line(label=label, value=", ".join(part for part in told if part)))
    return lines


def _data(record: Mapping[str, Any], process: Mapping[str, Any]) -> list[Line]:
    conditions = {part["@type"]: part for part in process["dpv:hasStorageCondition"]}
    others = [
        one["dct:description"] for one in process["dpv:hasRecipient"] if "dct:description" in one
    ]
    data = ", ".join(
        one["dct:title"] + (" (required)" if one["dpv:hasNecessity"] == "dpv:Required" else "")
        for one in process["dpv:hasPersonalData"]
    )
    kept = _duration(conditions["dpv:StorageDuration"]["dpv:hasDuration"])
    proof = _duration(conditions["dpv:StorageDeletion"]["dpv:hasDuration"])
    return [
        Line(label="Which data", value=data),
        Line(label="Legal basis", value=_basis(record)),
        Line(label="Who else receives it", value=" ".join(others) or "Nobody is stated."),
        Line(label="Where it lies", value=_places(process["dpv:hasLocation"])),
        Line(label="Transfers", value=process["dpv:hasRule"][0]["dct:description"]),
        Line(label="Kept until", value=kept),
        Line(label="The proof is kept after that for", value=proof),
    ]


def _rights(process: Mapping[str, Any]) -> list[Line]:
    places = {one["@type"][-1]: one["dpv:isExercisedAt"] for one in process["dpv:hasRight"]}
    others = {place for article, place in places.items() if article not in (_WITHDRAW, _COMPLAIN)}
    return [
        Line(label="Withdraw your consent (Art. 7(3))", value=places[_WITHDRAW], kind="link"),
        Line(
            label="Access, correction, erasure, restriction, objection, your data to take along "
            "(Art. 15 to 22)",
            value=", ".join(sorted(place.removeprefix("mailto:") for place in others)),
        ),
        Line(
            label="Complain to the authority (Art. 77)",
            value=places[_COMPLAIN],
            kind="link" if places[_COMPLAIN].startswith("http") else "text",
        ),
    ]


def _checking(receipt: Mapping[str, Any], record: Mapping[str, Any]) -> list[Line]:
    log = receipt["x:log"]
    lines = [
        Line(label="Number of this receipt", value=receipt["dct:identifier"], kind="code"),
        Line(label="Issued", value=receipt["dct:created"], kind="time"),
        Line(label="Number of the consent record", value=record["dct:identifier"], kind="code"),
        Line(
            label="You, under a pseudonym",
            value=record["dpv:hasDataSubject"]["dct:identifier"],
            kind="code",
        ),
        Line(label="Log", value=log["x:origin"], kind="code"),
    ]
    if "x:checkpoint" in log:
        others = [*log["x:witnesses"], *log["x:timeStamps"]]
        seen_by = ", ".join(others) or "nobody: asserted by the operator only"
        lines += [
            Line(
                label="Checkpoint of the log",
                value=f"{log['x:size']} {log['x:rootHash']}",
                kind="code",
            ),
            Line(label="Checkpoint signed", value=log["x:signedAt"], kind="time"),
            Line(label="Seen by", value=seen_by),
        ]
    else:
        lines.append(Line(label="Checkpoint of the log", value="not yet anchored"))
    if "x:signature" in receipt:
        lines.append(
            Line(label="Signed with the key", value=receipt["x:signature"]["x:keyId"], kind="code")
        )
    return lines


def _duration(duration: Mapping[str, str]) -> str:
    value = duration["rdf:value"]
    for sign, word in (("M", "month"), ("D", "day")):
        if duration["@type"] == "dpv:TemporalDuration" and value.endswith(sign):
            count = value[1:-1]
            return f"{count} {word}" if count == "1" else f"{count} {word}s"
    return value


def _places(locations: Sequence[Any]) -> str:
    return ", ".join(
        country_name(one.removeprefix("loc:")) if isinstance(one, str) else one["dct:description"]
        for one in locations
    )
