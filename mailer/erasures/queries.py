"""What the list outside the database knows and the database does not."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mailer.contacts import Contact
from mailer.erasures.models import Erasure
from mailer.erasures.register import Entry, iter_entries
from mailer.foundation import keystore
from mailer.foundation.database import db
from mailer.organisations import Organisation

SLICE = 500


def list_unapplied(*, limit: int = 1_000) -> list[Entry]:
    """Erasures of the list that the database or the key store does not know of, oldest first."""
    found: list[Entry] = []
    part: list[Entry] = []
    for entry in iter_entries():
        part.append(entry)
        if len(part) == SLICE:
            found += _unapplied(part)
            part = []
        if len(found) >= limit:
            return found[:limit]
    return [*found, *_unapplied(part)][:limit]


def find_erasure(contact: Contact) -> Erasure | None:
    """The erasure that left this empty shell of a contact."""
    return db.session.scalar(sa.select(Erasure).where(Erasure.contact_id == contact.id))


def _unapplied(entries: Sequence[Entry]) -> list[Entry]:
    """Those whose row is missing, whose contact is still there, or whose keys are."""
    if not entries:
        return []
    names = [name for entry in entries for name in entry.subjects]
    known = set(
        db.session.scalars(
            sa.select(Erasure.public_id).where(Erasure.public_id.in_([e.erasure for e in entries]))
        )
    )
    alive = set(
        db.session.scalars(
            sa.select(Contact.public_id).where(
                Contact.public_id.in_([entry.contact for entry in entries]),
                Contact.erased_at.is_(None),
            )
        )
    )
    here = set(db.session.scalars(sa.select(Organisation.public_id)))
    keys = keystore.find_many(names).keys()
    return [
        entry
        for entry in entries
        if (entry.organisation in here and (entry.erasure not in known or entry.contact in alive))
        or keys & set(entry.subjects)
    ]
