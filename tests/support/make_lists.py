"""Purposes and lists as the tests need them."""

from __future__ import annotations

from mailer import lists
from mailer.foundation.database import unit_of_work
from mailer.lists import LawfulBasis, ListDraft, MailingList, Purpose, PurposeDraft
from mailer.organisations import Organisation, Sender
from tests.support.make_organisations import make_sender


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


def make_list(
    organisation: Organisation,
    *,
    name: str = "New books",
    purpose: Purpose | None = None,
    sender: Sender | None = None,
) -> MailingList:
    """A list, with a purpose and a sender of its own unless they are given."""
    purpose = purpose or make_purpose(organisation)
    sender = sender or make_sender(organisation)
    with unit_of_work():
        draft = ListDraft(
            name=name, frequency="about once a month", purpose=purpose, sender=sender
        )
        return lists.create_list(organisation, draft)
