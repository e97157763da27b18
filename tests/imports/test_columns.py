"""Exports are recognised by the names of their columns."""

from __future__ import annotations

import pytest

from mailer.imports.columns import is_file_of_opt_outs, propose, recognise

LISTMONK = "uuid,email,name,attributes,status,created_at,updated_at"
MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,"
    "LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
MAILCHIMP_LEFT = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,"
    "UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID"
)
BREVO = "CONTACT ID;EMAIL;FIRSTNAME;LASTNAME;SMS;DOUBLE_OPT-IN;OPT_IN;BLOCKLISTED;ADDED_TIME;MODIFIED_TIME"
CLEVERREACH = "email;registered;activated;deactivated;source;stars"
CLEVERREACH_GERMAN = "E-Mail;Registriert;Aktiviert;Deaktiviert;Quelle;Vorname"
MAILERLITE = "Subscriber,Name,Last name,Subscribed,Opt-in,Sent,Opens,Clicks,Location,Unsubscribed"


def meanings(header: str) -> dict[str, str]:
    names = header.replace(";", ",").split(",")
    return dict(zip(names, propose(names, recognise(names)), strict=True))


@pytest.mark.parametrize(
    ("header", "system"),
    [
        (LISTMONK, "listmonk"),
        (MAILCHIMP, "mailchimp"),
        (MAILCHIMP_LEFT, "mailchimp"),
        (BREVO, "brevo"),
        ("EMAIL;ADDED_TIME;MODIFIED_TIME", "brevo"),
        (CLEVERREACH, "cleverreach"),
        (CLEVERREACH_GERMAN, "cleverreach"),
        (MAILERLITE, "mailerlite"),
        ("email,name", ""),
        ("Kundennummer;Telefon", ""),
    ],
)
def test_systems_are_recognised_by_their_headers(header: str, system: str) -> None:
    assert recognise(header.replace(";", ",").split(",")) == system


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (LISTMONK, {"email": "address", "attributes": "attributes", "status": "status", "uuid": "ignore", "created_at": "signup_date"}),
        (MAILCHIMP, {"Email Address": "address", "OPTIN_TIME": "signup_date", "CONFIRM_TIME": "consent_date", "OPTIN_IP": "signup_ip", "CONFIRM_IP": "consent_ip", "LEID": "ignore"}),
        (MAILCHIMP_LEFT, {"UNSUB_TIME": "opt_out_date", "UNSUB_REASON": "opt_out_mark"}),
        (BREVO, {"EMAIL": "address", "DOUBLE_OPT-IN": "double_opt_in", "OPT_IN": "opt_in", "BLOCKLISTED": "opted_out", "SMS": "ignore"}),
        (CLEVERREACH, {"activated": "activated", "registered": "signup_date", "deactivated": "opt_out_date", "source": "source"}),
        (CLEVERREACH_GERMAN, {"Aktiviert": "activated", "Quelle": "source", "E-Mail": "address"}),
        (MAILERLITE, {"Subscriber": "address", "Subscribed": "signup_date", "Opt-in": "consent_date", "Unsubscribed": "opt_out_date"}),
    ],
)  # fmt: skip
def test_their_columns_are_proposed_as_what_they_mean(
    header: str, expected: dict[str, str]
) -> None:
    found = meanings(header)
    assert {name: found[name] for name in expected} == expected


def test_an_address_is_looked_for_once_only() -> None:
    assert propose(["email", "e-mail"], "") == ["address", "ignore"]


def test_mailchimps_files_of_people_who_left_are_known_by_their_names() -> None:
    assert is_file_of_opt_outs("unsubscribed_email_audience_export_1.csv", "mailchimp")
    assert is_file_of_opt_outs("cleaned_members_export_1.csv", "mailchimp")
    assert not is_file_of_opt_outs("subscribed_members_export_1.csv", "mailchimp")
    assert not is_file_of_opt_outs("unsubscribed_people.csv", "")
