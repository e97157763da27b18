"""The sentence in every footer that says why this person receives the mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mailer import consent
from mailer.consent import Origin, Provenance
from mailer.organisations import Organisation


def read_provenance(origin: str, facts: Mapping[str, Any]) -> Provenance:
    """What a membership says of its consent, as `subscriptions` keeps it."""
    return Provenance(Origin(origin), **{str(name): str(value) for name, value in facts.items()})


def why(
    language: str, list_name: str, organisation: Organisation, on: date, provenance: Provenance
) -> str:
    """Why somebody is written to, in `language` (BCP 47) or else in English.

    `on` is the day of the consent as it was recorded here.
    """
    name = organisation.legal_name or organisation.name
    brought = on
    if provenance.brought_at:
        moment = datetime.fromisoformat(provenance.brought_at)
        brought = moment.astimezone(ZoneInfo(organisation.time_zone)).date()
    return consent.why(language, list_name, name, provenance, (on, brought))
