"""Commands about people's rights."""

from __future__ import annotations

import argparse

from mailer import contacts, erasures, organisations, rights
from mailer.app import create_app
from mailer.erasures import AskedBy
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.settings import Settings

SLICE = 100


def erase(given: argparse.Namespace) -> int:
    """Erase one person, and print their closing receipt."""
    with create_app(Settings.from_environment()).app_context():
        with unit_of_work():
            organisation = organisations.get_organisation(given.organisation)
            contact = contacts.get_contact(organisation, given.contact)
            numbers = rights.count_for(contact)
            if given.records != numbers.records:
                raise Invalid(
                    f"This would destroy {numbers.records} records. To do it, add --records {numbers.records}."
                )
            evidence = {"method": "erasure by the operator"}
            closing = rights.erase(contact, asked_by=AskedBy.OPERATOR, evidence=evidence)
        print(rights.receipt_text(closing))
    return 0


def reapply(_given: argparse.Namespace) -> int:
    """Erase again whoever a restored database brought back."""
    with create_app(Settings.from_environment()).app_context():
        count = reapply_all()
    print(f"{count} erasures were carried out again." if count else "Nobody had come back.")
    return 0


def reapply_all() -> int:
    """In small steps, each of its own; returns how many."""
    count = 0
    while entries := erasures.list_unapplied(limit=SLICE):
        with unit_of_work():
            count += rights.reapply(entries)
    return count
