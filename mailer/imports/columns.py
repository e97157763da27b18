"""What the columns of a file mean, and which system it was exported from. Pure.

Names of columns are those the systems write: listmonk, Mailchimp, Brevo, CleverReach and MailerLite, and what
people call such columns in files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Target(StrEnum):
    """What a column is read as; FIELD keeps it under its own name."""

    IGNORE = "ignore"
    ADDRESS = "address"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    NAME = "name"
    LANGUAGE = "language"
    CONSENT_DATE = "consent_date"
    SIGNUP_DATE = "signup_date"
    ACTIVATED = "activated"
    SOURCE = "source"
    METHOD = "method"
    WORDING = "wording"
    CONSENT_IP = "consent_ip"
    SIGNUP_IP = "signup_ip"
    OPT_IN = "opt_in"
    DOUBLE_OPT_IN = "double_opt_in"
    STATUS = "status"
    OPTED_OUT = "opted_out"
    OPT_OUT_DATE = "opt_out_date"
    BOUNCE_DATE = "bounce_date"
    OPT_OUT_MARK = "opt_out_mark"
    ATTRIBUTES = "attributes"
    FIELD = "field"


T = Target
TARGET_WORDS: dict[Target, str] = {
    T.IGNORE: "leave out",
    T.ADDRESS: "e-mail address",
    T.FIRST_NAME: "first name",
    T.LAST_NAME: "last name",
    T.NAME: "full name",
    T.LANGUAGE: "language",
    T.CONSENT_DATE: "date of the consent",
    T.SIGNUP_DATE: "date of the consent, where there is no better one",
    T.ACTIVATED: "date of the confirmation (empty: never confirmed)",
    T.SOURCE: "source of the consent",
    T.METHOD: "how the consent was given",
    T.WORDING: "words they agreed to",
    T.CONSENT_IP: "network address at the consent",
    T.SIGNUP_IP: "network address at the signup",
    T.OPT_IN: "opted in: yes or no",
    T.DOUBLE_OPT_IN: "double opt-in: yes or no",
    T.STATUS: "status, such as subscribed or unsubscribed",
    T.OPTED_OUT: "opted out or blocked: yes or no",
    T.OPT_OUT_DATE: "date of the opt-out",
    T.BOUNCE_DATE: "date of the bounce",
    T.OPT_OUT_MARK: "opted out if anything stands here",
    T.ATTRIBUTES: "further fields as JSON",
    T.FIELD: "field of its own",
}
LONGEST_FIELD_NAME = 60

_GENERIC: dict[str, Target] = {
    **dict.fromkeys(
        ("email", "e_mail", "email_address", "e_mail_address", "mail", "emailadresse", "e_mail_adresse",
         "address", "adresse_email", "subscriber", "subscriber_email", "e_mailova_adresa"),
        T.ADDRESS,
    ),
    **dict.fromkeys(
        ("first_name", "firstname", "fname", "given_name", "vorname", "prenom", "jmeno", "meno"),
        T.FIRST_NAME,
    ),
    **dict.fromkeys(
        ("last_name", "lastname", "lname", "surname", "family_name", "nachname", "nom", "prijmeni",
         "priezvisko"),
        T.LAST_NAME,
    ),
    **dict.fromkeys(("name", "full_name", "fullname"), T.NAME),
    **dict.fromkeys(("language", "lang", "locale", "sprache"), T.LANGUAGE),
    **dict.fromkeys(
        ("consent_date", "consented_at", "consent_time", "confirm_time", "confirmed_at", "opt_in_date",
         "optin_date", "opt_in_time", "optin_time", "date_of_consent", "einwilligung_am",
         "double_opt_in_date"),
        T.CONSENT_DATE,
    ),
    **dict.fromkeys(("source", "consent_source", "quelle"), T.SOURCE),
    **dict.fromkeys(("method", "consent_method", "opt_in_method"), T.METHOD),
    **dict.fromkeys(
        ("wording", "consent_text", "consent_wording", "text", "einwilligungstext"), T.WORDING
    ),
    **dict.fromkeys(("ip", "consent_ip", "confirm_ip", "ip_address", "opt_in_ip"), T.CONSENT_IP),
    **dict.fromkeys(("optin_ip", "signup_ip"), T.SIGNUP_IP),
    **dict.fromkeys(("status", "member_status", "subscription_status", "state"), T.STATUS),
    **dict.fromkeys(
        ("blocklisted", "blacklisted", "email_blacklisted", "email_blocklisted", "opted_out",
         "do_not_mail"),
        T.OPTED_OUT,
    ),
    **dict.fromkeys(
        ("unsubscribed", "unsubscribed_at", "unsub_time", "unsubscribe_date", "opt_out_date",
         "abgemeldet_am"),
        T.OPT_OUT_DATE,
    ),
    **dict.fromkeys(("bounced", "bounced_at", "clean_time", "cleaned_at"), T.BOUNCE_DATE),
    **dict.fromkeys(("double_opt_in", "doi"), T.DOUBLE_OPT_IN),
    **dict.fromkeys(("opt_in", "optin"), T.OPT_IN),
    **dict.fromkeys(("attributes", "attribs"), T.ATTRIBUTES),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class System:
    """A system as its exports show it: what must be there, of what some, and what columns mean."""

    name: str
    demands: frozenset[str]
    some_of: frozenset[str]
    columns: Mapping[str, Target]


SYSTEMS: dict[str, System] = {
    "listmonk": System(
        "listmonk",
        frozenset({"uuid", "email", "attributes", "status"}),
        frozenset({"created_at", "updated_at", "name"}),
        {"uuid": T.IGNORE, "created_at": T.SIGNUP_DATE, "updated_at": T.IGNORE},
    ),
    "mailchimp": System(
        "Mailchimp",
        frozenset({"email_address"}),
        frozenset({"leid", "euid", "member_rating"}),
        {
            "optin_time": T.SIGNUP_DATE,
            **dict.fromkeys(("unsub_reason", "unsub_campaign_title", "unsub_campaign_id",
                             "clean_campaign_title", "clean_campaign_id"), T.OPT_OUT_MARK),
            **dict.fromkeys(
                ("member_rating", "latitude", "longitude", "gmtoff", "dstoff", "timezone", "cc", "region",
                 "last_changed", "leid", "euid", "notes", "tags", "unsub_reason_other", "email_type",
                 "phone_number", "phone", "address", "birthday"), T.IGNORE),
        },
    ),
    "brevo": System(
        "Brevo",
        frozenset({"email"}),
        frozenset({"added_time", "double_opt_in", "blocklisted", "blacklisted", "email_blacklisted",
                   "email_blocklisted"}),
        {
            "added_time": T.SIGNUP_DATE,
            **dict.fromkeys(("modified_time", "contact_id", "sms", "whatsapp", "sms_blacklisted",
                             "sms_blocklisted", "ext_id", "contact_timezone", "landline_number"), T.IGNORE),
        },
    ),
    "cleverreach": System(
        "CleverReach",
        frozenset({"activated", "registered"}),
        frozenset({"email", "e_mail", "source", "deactivated"}),
        {
            "activated": T.ACTIVATED,
            "registered": T.SIGNUP_DATE,
            "deactivated": T.OPT_OUT_DATE,
            **dict.fromkeys(("id", "imported", "stars", "last_ip", "last_location", "last_client", "active",
                             "groups_id", "tags", "points", "opened", "clicked"), T.IGNORE),
        },
    ),
    "mailerlite": System(
        "MailerLite",
        frozenset({"subscribed"}),
        frozenset({"sent", "opens", "opened", "clicks", "clicked", "location", "opt_in"}),
        {
            "subscribed": T.SIGNUP_DATE,
            "opt_in": T.CONSENT_DATE,
            "opted_in": T.CONSENT_DATE,
            **dict.fromkeys(("sent", "opens", "opened", "clicks", "clicked", "location", "phone",
                             "last_activity", "open_rate", "click_rate", "groups", "id"), T.IGNORE),
        },
    ),
}  # fmt: skip
# The same columns as CleverReach writes them in German.
_GERMAN = {
    "registriert": "registered",
    "anmeldedatum": "registered",
    "aktiviert": "activated",
    "deaktiviert": "deactivated",
    "quelle": "source",
}


def plain_name(header: str) -> str:
    """A header in the form in which columns are compared: `DOUBLE_OPT-IN` is `double_opt_in`."""
    folded = (
        header.strip().lower().translate(str.maketrans("äöüéèěíáýžščřďťňľô", "aoueeeiayzscrdtnlo"))
    )
    return re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:LONGEST_FIELD_NAME]


def recognise(header: Sequence[str]) -> str:
    """The system whose export begins with this header, or an empty word."""
    names = {_GERMAN.get(name, name) for name in map(plain_name, header)}
    for key, system in SYSTEMS.items():
        if system.demands <= names and system.some_of & names:
            return key
    return ""


def propose(header: Sequence[str], system: str) -> list[str]:
    """What each column probably means; a single target is proposed once, what nobody knows is left out."""
    known = SYSTEMS[system].columns if system else {}
    chosen: list[str] = []
    for given in map(plain_name, header):
        name = _GERMAN.get(given, given) if system == "cleverreach" else given
        target = known.get(name) or _GENERIC.get(name, T.IGNORE)
        if target in _SINGLE and target.value in chosen:
            target = T.IGNORE
        chosen.append(target.value)
    return chosen


# Of these a file has one; of the others the first that is not empty counts.
_SINGLE = frozenset({T.ADDRESS, T.FIRST_NAME, T.LAST_NAME, T.NAME, T.LANGUAGE, T.STATUS})


def is_file_of_opt_outs(file_name: str, system: str) -> bool:
    """Whether everybody in an export has left, by the name the system gives such files."""
    return (
        system == "mailchimp"
        and re.match(r"(unsubscribed|cleaned)_", file_name.lower()) is not None
    )
