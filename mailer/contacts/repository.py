"""The address book: finding people, and entering those who proved their address."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from mailer.consent import ConsentSubject
from mailer.contacts.models import Contact, ContactField
from mailer.foundation import searching
from mailer.foundation.addresses import Address
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import Invalid, LinkInvalid, NotAllowed, NotFound
from mailer.foundation.paging import Cursor, Page, page_of
from mailer.organisations import Organisation

LONGEST_NAME = 120
STANDARD_FIELDS = ("first_name", "last_name", "email", "language")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDraft:
    """What a person told us about themselves."""

    address: Address
    first_name: str = ""
    last_name: str = ""
    language: str = "en"
    fields: dict[str, str] = field(default_factory=dict)


def find_by_address(organisation: Organisation, address: Address) -> Contact | None:
    """The contact with this address, whichever way it is written (C-084)."""
    return db.session.scalar(
        sa.select(Contact).where(
            Contact.organisation_id == organisation.id, Contact.address_digest == address.digest
        )
    )


def get_contact(organisation: Organisation, public_id: str) -> Contact:
    """The contact of this organisation. Raises NotFound."""
    contact = db.session.scalar(
        sa.select(Contact).where(
            Contact.organisation_id == organisation.id, Contact.public_id == public_id
        )
    )
    if contact is None:
        raise NotFound("There is no such person here.")
    return contact


def find_linked(public_id: str) -> Contact | None:
    """Whom a link of ours names, while they are known; the link's signature says that it is one."""
    return db.session.scalar(
        sa.select(Contact).where(Contact.public_id == public_id, Contact.erased_at.is_(None))
    )


def find_any(public_id: str) -> Contact | None:
    """The contact with this public id, also as the empty shell an erasure leaves."""
    return db.session.scalar(sa.select(Contact).where(Contact.public_id == public_id))


def get_linked(public_id: str) -> Contact:
    """Whom a link of ours names. Raises LinkInvalid once they are erased."""
    contact = find_linked(public_id)
    if contact is None:
        raise LinkInvalid("This link belongs to nobody we know any more.")
    return contact


def get_or_create(
    organisation: Organisation, draft: ContactDraft, subject: ConsentSubject
) -> Contact:
    """The contact with this address, brought up to date with what was given now; empty never overwrites.

    A new one stands in the ledger as `subject`; a known one keeps its own.
    """
    serialise_on(f"contact:{organisation.id}:{draft.address.digest}")
    contact = find_by_address(organisation, draft.address)
    if contact is None:
        contact = Contact(
            organisation_id=organisation.id,
            subject_id=subject.id,
            address=draft.address.given,
            address_digest=draft.address.digest,
            language=draft.language,
            fields={},
        )
        db.session.add(contact)
    contact.first_name = draft.first_name or contact.first_name or ""
    contact.last_name = draft.last_name or contact.last_name or ""
    contact.fields = contact.fields | {key: value for key, value in draft.fields.items() if value}
    db.session.flush()
    return contact


def correct_name(contact: Contact, first_name: str, last_name: str) -> list[str]:
    """Put a person's name right (GDPR Art. 16); returns which of the two changed.

    Raises Invalid with the field that cannot be used, NotAllowed once they are erased.
    """
    if contact.erased_at is not None:
        raise NotAllowed("This person was erased. There is no name to correct.")
    given = {
        "first_name": " ".join(first_name.split()),
        "last_name": " ".join(last_name.split()),
    }
    wrong = {
        field: f"Please use up to {LONGEST_NAME} characters that can be printed."
        for field, name in given.items()
        if len(name) > LONGEST_NAME or not name.isprintable()
    }
    if wrong:
        raise Invalid("The name was not changed. Please look at the field that is marked.", wrong)
    changed = [field for field, name in given.items() if getattr(contact, field) != name]
    contact.first_name, contact.last_name = given["first_name"], given["last_name"]
    db.session.flush()
    return changed


def erase(contact: Contact, *, at: datetime) -> None:
    """Leave an empty shell of a contact, so that old figures still add up (GDPR Art. 17, T-050)."""
    contact.address = None
    contact.address_digest = None
    contact.first_name = contact.last_name = ""
    contact.language = "en"
    contact.fields = {}
    contact.erased_at = at
    db.session.flush()


def list_contacts(organisation: Organisation, search: str, cursor: Cursor) -> Page[Contact]:
    """One page of people, newest first, whose address or name contains every word of `search`.

    Large and small letters, accents, and the two ways to write a domain with letters of its own are alike.
    """
    query = sa.select(Contact).where(
        Contact.organisation_id == organisation.id, Contact.erased_at.is_(None)
    )
    columns = [
        searching.Folded(one) for one in (Contact.address, Contact.first_name, Contact.last_name)
    ]
    for word in search.split()[:5]:
        query = query.where(
            sa.or_(
                *(
                    column.contains(form, autoescape=True)
                    for form in searching.forms_of(word)
                    for column in columns
                )
            )
        )
    return page_of(query, Contact, cursor)


def placeholder_values(contact: Contact) -> dict[str, object]:
    """What `contact.…` means in a campaign for this person."""
    return {
        **contact.fields,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.address or "",
        "language": contact.language,
    }


def list_field_names(organisation: Organisation) -> list[str]:
    """The names that `contact.…` may have here: the standard ones and every one that anybody ever gave."""
    own = db.session.scalars(
        sa.select(ContactField.name).where(ContactField.organisation_id == organisation.id)
    )
    return [*STANDARD_FIELDS, *sorted(set(own) - set(STANDARD_FIELDS))]
