"""Commands about proof: making a bundle, and checking one."""

from __future__ import annotations

import argparse
from contextlib import suppress

from mailer import accounts, contacts, lists, organisations, proofs, verifier
from mailer.app import create_app
from mailer.contacts import Contact
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotFound
from mailer.foundation.settings import Settings
from mailer.lists import MailingList
from mailer.organisations import Organisation

TOOK_OUT = "took out a proof bundle"


def bundle(given: argparse.Namespace) -> int:
    """Write the bundle of one person and list, or measuring, to a file."""
    if given.out.exists():
        raise Invalid(f"{given.out} exists already; it is not overwritten.")
    with create_app(Settings.from_environment()).app_context(), unit_of_work():
        if given.measuring:
            mailing_list = None
            organisation, contact = _anywhere(given.contact)
        else:
            organisation, mailing_list = _list(given.list)
            contact = _contact(organisation, given.contact)
        made = proofs.build_bundle(contact, mailing_list)
        accounts.note(
            organisation,
            None,
            TOOK_OUT,
            contact.public_id,
            mailing_list=proofs.topic_of(mailing_list),
        )
    given.out.write_bytes(made.body)
    print(f"{given.out}: {len(made.body)} bytes.")
    if made.is_waiting:
        print("Not yet anchored: the log has not signed all of it. Try again in a minute.")
    return 0


def verify(given: argparse.Namespace) -> int:
    """Check a bundle as verify.py does, with its exit status."""
    more = ["--json"] if given.json else []
    return verifier.main([str(given.bundle), "--policy", str(given.policy), *more])


def _list(public_id: str) -> tuple[Organisation, MailingList]:
    for organisation in organisations.list_organisations():
        for mailing_list in lists.list_lists(organisation, with_archived=True):
            if mailing_list.public_id == public_id:
                return organisation, mailing_list
    raise NotFound(f"There is no list {public_id}.")


def _anywhere(named: str) -> tuple[Organisation, Contact]:
    """The one person of this name or address, whichever organisation knows them."""
    found = []
    for organisation in organisations.list_organisations():
        with suppress(NotFound):
            found.append((organisation, _contact(organisation, named)))
    if not found:
        raise NotFound(f"Nobody is known as {named}.")
    if len(found) > 1:
        names = ", ".join(f"{contact.public_id} of {one.name}" for one, contact in found)
        raise Invalid(f"More than one organisation knows {named}. Name the person by id: {names}.")
    return found[0]


def _contact(organisation: Organisation, named: str) -> Contact:
    if "@" not in named:
        return contacts.get_contact(organisation, named)
    found = contacts.find_by_address(organisation, parse_address(named))
    if found is None:
        raise NotFound(f"{organisation.name} knows nobody with the address {named}.")
    return found
