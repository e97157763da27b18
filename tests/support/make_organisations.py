"""Organisations as the tests need them."""

from __future__ import annotations

from mailer import organisations
from mailer.foundation.database import unit_of_work
from mailer.organisations import Organisation, Sender

COMPLETE = {
    "legal_name": "Adas Buchladen GmbH",
    "street": "Lindenstraße 5",
    "postcode": "10969",
    "city": "Berlin",
    "country": "DE",
    "contact_email": "hello@books.example",
    "authority_name": "Berliner Beauftragte für Datenschutz und Informationsfreiheit",
}


def make_organisation(*, name: str = "Ada's Books", **identity: str) -> Organisation:
    """An organisation with every mandatory fact, unless told otherwise."""
    with unit_of_work():
        return organisations.create_organisation(name, **(COMPLETE | identity))


def make_sender(
    organisation: Organisation,
    *,
    from_name: str = "Ada's Books",
    from_address: str = "news@books.example",
    reply_to: str = "",
) -> Sender:
    with unit_of_work():
        return organisations.create_sender(organisation, from_name, from_address, reply_to)
