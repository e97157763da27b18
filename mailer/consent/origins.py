"""How a consent came about, read from what its record commits to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Any

from mailer.consent.states import ALLOWS_SENDING, ConsentState


class Origin(StrEnum):
    """Where a consent comes from. What none of these tells truly is UNRECORDED."""

    FORM = "form"  # a form of ours, and the button behind the mailed link
    PREFERENCES = "preferences"  # the button on the person's preference page
    PERMISSION = "permission"  # the address was brought here; then the button of a permission mail
    ELSEWHERE = (
        "elsewhere"  # given elsewhere and brought here with evidence; confirmed by nobody here
    )
    UNPROVEN = "unproven"  # brought here without evidence
    NOT_GIVEN = "not_given"  # asked for or refused on a form, and nothing more
    UNRECORDED = "unrecorded"  # the record does not say, or is erased


@dataclass(frozen=True, slots=True)
class Provenance:
    """An origin with what is recorded of it; empty where nothing is.

    `agreed_on` is the day of a consent given elsewhere (ISO 8601, as its source tells it), `brought_at` the
    moment an address was brought here (ISO 8601, UTC).
    """

    origin: Origin = Origin.UNRECORDED
    source: str = ""
    agreed_on: str = ""
    brought_at: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What is kept beside a membership, so that its mails can tell it; without what is empty.

        Of a consent given elsewhere the moment it was brought here is that of its record.
        """
        facts = {
            "source": self.source,
            "agreed_on": self.agreed_on,
            "brought_at": self.brought_at if self.origin is Origin.PERMISSION else "",
        }
        return {name: value for name, value in facts.items() if value}


def is_day_only(moment: datetime) -> bool:
    """Whether a source told the day alone: it is kept as midnight UTC, and no other zone has that day."""
    return moment.astimezone(UTC).time() == time.min


def provenance_of(payload: Mapping[str, Any] | None) -> Provenance:
    """How the consent of a record came about; `payload` is what the record commits to, None once erased."""
    if not payload:
        return Provenance()
    state, evidence = str(payload.get("state")), payload.get("evidence") or {}
    imported = evidence.get("imported")
    if imported:
        is_shown = state == "given" and imported.get("evidence_sha256")
        return _brought(Origin.ELSEWHERE if is_shown else Origin.UNPROVEN, imported)
    if state not in ALLOWS_SENDING:
        return Provenance(
            Origin.NOT_GIVEN if state in ("requested", "refused") else Origin.UNRECORDED
        )
    submission = evidence.get("submission") or {}
    if evidence.get("confirmation") and submission.get("leg") == "import":
        return _brought(Origin.PERMISSION, submission)
    if evidence.get("confirmation") and submission:
        return Provenance(Origin.FORM)
    if evidence.get("shown_sha256"):
        return Provenance(Origin.PREFERENCES)
    return Provenance()


def origins_of(payloads: Iterable[Mapping[str, Any]]) -> tuple[Origin, ...]:
    """The origins of the consents among the records of one person and list, oldest first, each once.

    Where none was given: UNPROVEN when an import brought them, else NOT_GIVEN.
    """
    told = [(str(payload.get("state")), provenance_of(payload).origin) for payload in payloads]
    given = dict.fromkeys(origin for state, origin in told if state in ALLOWS_SENDING)
    if given:
        return tuple(given)
    is_brought = any(state == ConsentState.UNKNOWN for state, _ in told)
    return (Origin.UNPROVEN if is_brought else Origin.NOT_GIVEN,)


def _brought(origin: Origin, leg: Mapping[str, Any]) -> Provenance:
    return Provenance(
        origin,
        source=str(leg.get("source") or ""),
        agreed_on=str(leg.get("consented_at") or "").partition("T")[0],
        brought_at=str(leg.get("imported_at") or ""),
    )
