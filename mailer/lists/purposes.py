"""Creating, changing and archiving purposes."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.foundation import clock
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.lists.drafts import PurposeDraft
from mailer.lists.models import LawfulBasis, MailingList, Purpose
from mailer.organisations import Organisation


def create_purpose(organisation: Organisation, draft: PurposeDraft) -> Purpose:
    """A new purpose of `organisation` (GDPR Art. 5(1)(b), 13(1)(c))."""
    purpose = Purpose(
        organisation_id=organisation.id,
        name=draft.name,
        sentence=draft.sentence,
        lawful_basis=draft.lawful_basis,
        retention_months=draft.retention_months,
    )
    db.session.add(purpose)
    db.session.flush()
    return purpose


def change_purpose(purpose: Purpose, draft: PurposeDraft) -> Purpose:
    """Change a purpose from now on; what people read before stays stored with their consent.

    Raises Invalid when lists that need consent would lose that basis, NotAllowed once archived.
    """
    if purpose.archived_at is not None:
        raise NotAllowed("This purpose is archived and can no longer be changed.")
    if draft.lawful_basis is not LawfulBasis.CONSENT and _names_of_live_lists(purpose):
        raise Invalid(
            "Please correct the fields marked below.",
            {"lawful_basis": "Mailing lists serve this purpose, so it has to rest on consent."},
        )
    purpose.name = draft.name
    purpose.sentence = draft.sentence
    purpose.lawful_basis = draft.lawful_basis
    purpose.retention_months = draft.retention_months
    db.session.flush()
    return purpose


def archive_purpose(purpose: Purpose) -> Purpose:
    """Take `purpose` out of use; it stays on record.

    Raises NotAllowed, naming them, while live lists serve it.
    """
    names = _names_of_live_lists(purpose)
    if names:
        shown = ", ".join(f"“{name}”" for name in names)
        raise NotAllowed(f"This purpose is still served by {shown}. Archive these lists first.")
    purpose.archived_at = purpose.archived_at or clock.now()
    db.session.flush()
    return purpose


def list_purposes(organisation: Organisation, *, with_archived: bool = False) -> list[Purpose]:
    """The purposes of `organisation`, oldest first."""
    query = (
        sa.select(Purpose).where(Purpose.organisation_id == organisation.id).order_by(Purpose.id)
    )
    if not with_archived:
        query = query.where(Purpose.archived_at.is_(None))
    return list(db.session.scalars(query))


def get_purpose(organisation: Organisation, public_id: str) -> Purpose:
    """The purpose of `organisation` with this public id. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Purpose).where(
            Purpose.organisation_id == organisation.id, Purpose.public_id == public_id
        )
    )
    if found is None:
        raise NotFound("There is no such purpose here.")
    return found


def _names_of_live_lists(purpose: Purpose) -> list[str]:
    query = sa.select(MailingList.name).where(
        MailingList.purpose_id == purpose.id, MailingList.archived_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(MailingList.id)))
