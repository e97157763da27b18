"""The facts a controller has to state about itself (GDPR Art. 13(1), national imprint duties)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from zoneinfo import available_timezones

from mailer.foundation.context import settings
from mailer.foundation.parsing import Answers
from mailer.organisations.countries import COUNTRIES, country_name
from mailer.organisations.models import Organisation

DEFAULT_TIME_ZONE = "Europe/Berlin"
LONGEST_PARAGRAPH = 4_000

# What must be known before anybody can be asked for consent, in the words of the settings page.
MANDATORY: tuple[tuple[str, str], ...] = (
    ("legal_name", "Legal name"),
    ("street", "Street and number"),
    ("city", "City"),
    ("country", "Country"),
    ("contact_email", "Contact e-mail address"),
    ("authority_name", "Supervisory authority"),
    ("recipients", "Recipients of the data"),
    ("transfers", "Transfers outside the Union"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an organisation says about itself. `country` is ISO 3166-1 alpha-2, `time_zone` an IANA name."""

    name: str
    legal_name: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    register_entry: str = ""
    contact_email: str = ""
    phone: str = ""
    website: str = ""
    dpo_name: str = ""
    dpo_contact: str = ""
    representative: str = ""
    authority_name: str = ""
    authority_url: str = ""
    recipients: str = ""
    transfers: str = ""
    time_zone: str = DEFAULT_TIME_ZONE


def read_identity(given: Mapping[str, str]) -> Identity:
    """The identity that `given` (field names to text) describes.

    Only the name is demanded here, so that facts can be collected bit by bit; `missing_identity` says what is
    still missing. Raises Invalid with a message per field.
    """
    answers = Answers(given)
    identity = Identity(
        name=answers.line("name", required=True),
        legal_name=answers.line("legal_name"),
        street=answers.line("street"),
        postcode=answers.line("postcode", longest=20),
        city=answers.line("city"),
        country=answers.choice("country", COUNTRIES, required=False),
        register_entry=answers.line("register_entry"),
        contact_email=answers.address("contact_email"),
        phone=answers.line("phone", longest=50),
        website=answers.url("website"),
        dpo_name=answers.line("dpo_name"),
        dpo_contact=answers.line("dpo_contact", longest=254),
        representative=answers.text("representative", longest=LONGEST_PARAGRAPH),
        authority_name=answers.line("authority_name"),
        authority_url=answers.url("authority_url"),
        recipients=answers.text("recipients", longest=LONGEST_PARAGRAPH),
        transfers=answers.text("transfers", longest=LONGEST_PARAGRAPH),
        time_zone=answers.choice("time_zone", time_zones(), required=False) or DEFAULT_TIME_ZONE,
    )
    answers.check()
    return identity


def identity_of(organisation: Organisation) -> Identity:
    """What `organisation` says about itself now."""
    return Identity(**{field.name: getattr(organisation, field.name) for field in fields(Identity)})


NOBODY = "Nobody."
NO_TRANSFERS = "There are no transfers outside the European Union."
# A bare answer that there is none, which would not be a sentence where people read it.
NONE_AT_ALL = frozenset(
    {"", "none", "no", "nobody", "no one", "nothing", "n/a", "na", "not applicable", "null"}
    | {
        "keine",
        "kein",
        "niemand",
        "nein",
        "žiadne",
        "žiadni",
        "nikto",
        "nie",
        "žádné",
        "žádní",
        "nikdo",
        "ne",
    }
)


def missing_identity(organisation: Organisation) -> list[str]:
    """The mandatory facts that are still empty, in plain words; an empty list when all are there."""
    return [words for name, words in MANDATORY if not getattr(organisation, name).strip()]


def told_recipients(organisation: Organisation) -> str:
    """Who else receives the data, as a sentence; empty when that was not said."""
    return NOBODY if _is_none(organisation.recipients) else organisation.recipients.strip()


def told_transfers(organisation: Organisation) -> str:
    """Where data goes outside the European Union, as a sentence; empty when that was not said."""
    is_none = _is_none(organisation.transfers)
    return NO_TRANSFERS if is_none else organisation.transfers.strip()


def _is_none(answer: str) -> bool:
    return answer.strip(" .–-/").casefold() in NONE_AT_ALL and bool(answer.strip())


def imprint_lines(organisation: Organisation) -> list[str]:
    """Who sends, line by line: name, street, place, country, register, ways to get in touch."""
    place = f"{organisation.postcode} {organisation.city}".strip()
    lines = (
        organisation.legal_name or organisation.name,
        organisation.street,
        place,
        country_name(organisation.country),
        organisation.register_entry,
        organisation.contact_email,
        organisation.phone,
        organisation.website,
    )
    return [line for line in lines if line]


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """The names of places whose time can be chosen, sorted; UTC first."""
    places = (name for name in available_timezones() if "/" in name)
    return ("UTC", *sorted(name for name in places if not name.startswith(("Etc/", "SystemV/"))))


def page_url(organisation_id: str) -> str:
    """The organisation's public page, where anybody asks for a mailed link to what is theirs.

    Takes a public id. Documents that others may read name it, for it opens nothing by itself.
    """
    return f"{settings().public_url}/o/{organisation_id}"
