"""Contacts: people we know by address.

Enters: an address somebody proved to be theirs, with the name and fields they gave.
Leaves: one contact per normal form of an address and organisation, and the values for placeholders.
Always holds: one live contact per address; a contact keeps its subject in the ledger.
"""

from __future__ import annotations

from mailer.contacts.book import (
    ContactDraft,
    erase,
    find_by_address,
    get_contact,
    get_or_create,
    list_contacts,
    list_field_names,
    placeholder_values,
)
from mailer.contacts.models import Contact

__all__ = [
    "Contact",
    "ContactDraft",
    "erase",
    "find_by_address",
    "get_contact",
    "get_or_create",
    "list_contacts",
    "list_field_names",
    "placeholder_values",
]
