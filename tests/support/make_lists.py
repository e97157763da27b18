"""Senders and purposes by themselves, where a test is about them and not about a list."""

from __future__ import annotations

from mailer import lists, organisations
from mailer.foundation.database import unit_of_work
from mailer.lists import LawfulBasis, Purpose, PurposeDraft
from mailer.organisations import Organisation, Sender


def make_sender(
    organisation: Organisation,
    *,
    from_name: str = "Harbour Books",
    from_address: str = "news@harbourbooks.example",
    reply_to: str = "",
) -> Sender:
    with unit_of_work():
        return organisations.create_sender(organisation, from_name, from_address, reply_to)


def make_purpose(
    organisation: Organisation,
    *,
    name: str = "Newsletter",
    sentence: str = "To send you our newsletter about new books.",
    lawful_basis: LawfulBasis = LawfulBasis.CONSENT,
) -> Purpose:
    with unit_of_work():
        draft = PurposeDraft(name=name, sentence=sentence, lawful_basis=lawful_basis)
        return lists.create_purpose(organisation, draft)
