"""Contacts: people we know by address.

Enters: an address somebody proved to be theirs, with the name and fields they gave.
Leaves: one contact per normal form of an address and organisation, and the values for placeholders.
Always holds: one live contact per address; a contact keeps its subject in the ledger.
"""

from __future__ import annotations

from mailer.contacts.mail_preferences import (
    INTERVALS_DAYS,
    end_pause,
    lift_restriction,
    pause,
    restrict,
    set_mail_interval,
)
from mailer.contacts.models import Contact, ContactField
from mailer.contacts.repository import (
    LONGEST_NAME,
    STANDARD_FIELDS,
    ContactDraft,
    correct_name,
    erase,
    find_any,
    find_by_address,
    find_linked,
    get_contact,
    get_linked,
    get_or_create,
    list_contacts,
    list_field_names,
    placeholder_values,
)

__all__ = [
    "INTERVALS_DAYS",
    "LONGEST_NAME",
    "STANDARD_FIELDS",
    "Contact",
    "ContactDraft",
    "ContactField",
    "correct_name",
    "end_pause",
    "erase",
    "find_any",
    "find_by_address",
    "find_linked",
    "get_contact",
    "get_linked",
    "get_or_create",
    "lift_restriction",
    "list_contacts",
    "list_field_names",
    "pause",
    "placeholder_values",
    "restrict",
    "set_mail_interval",
]
