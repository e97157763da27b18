"""Creating, finding and changing organisations."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.organisations.identity import Identity, read_identity
from mailer.organisations.models import Organisation


def create_organisation(name: str, **identity: str) -> Organisation:
    """A new organisation; `identity` are fields of Identity, which may also be filled in later.

    Raises Invalid with a message for each field that cannot be used.
    """
    checked = read_identity({"name": name, **identity})
    organisation = Organisation(**asdict(checked))
    db.session.add(organisation)
    db.session.flush()
    return organisation


def change_organisation(organisation: Organisation, identity: Identity) -> Organisation:
    """Replace all facts about `organisation` by `identity`."""
    for name, value in asdict(identity).items():
        setattr(organisation, name, value)
    db.session.flush()
    return organisation


def note_address_source(organisation: Organisation, source: str) -> None:
    """People were brought here from `source`, as the team names it; empty when every person has their own."""
    known = organisation.address_sources or []
    organisation.address_sources = sorted({*known, source})
    db.session.flush()


def get_organisation(public_id: str) -> Organisation:
    """The organisation with this public id. Raises NotFound."""
    found = db.session.scalar(sa.select(Organisation).where(Organisation.public_id == public_id))
    if found is None:
        raise NotFound("There is no such organisation.")
    return found


def get_organisation_by_id(organisation_id: int) -> Organisation:
    """The organisation with this row id. Raises NotFound."""
    found = db.session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound("There is no such organisation.")
    return found


def find_organisation_id(public_id: str) -> int | None:
    """The row id of the organisation with this public id."""
    return db.session.scalar(sa.select(Organisation.id).where(Organisation.public_id == public_id))


def find_only_organisation() -> Organisation | None:
    """The organisation of this instance, where there is exactly one."""
    found = db.session.scalars(sa.select(Organisation).limit(2)).all()
    return found[0] if len(found) == 1 else None


def list_organisations() -> list[Organisation]:
    """All organisations, oldest first."""
    return list(db.session.scalars(sa.select(Organisation).order_by(Organisation.id)))
