"""Creating, changing and archiving mailing lists."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.foundation import clock
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.lists.drafts import ListDraft
from mailer.lists.labels import new_label
from mailer.lists.models import LawfulBasis, MailingList
from mailer.organisations import Organisation, Sender


def create_list(organisation: Organisation, draft: ListDraft) -> MailingList:
    """A new list; its label for List-Id is made from the name once and stays (E-028).

    Raises Invalid when purpose or sender cannot serve it.
    """
    _check(organisation.id, draft)
    mailing_list = MailingList(
        organisation_id=organisation.id,
        purpose_id=draft.purpose.id,
        sender_id=draft.sender.id,
        name=draft.name,
        description=draft.description,
        frequency=draft.frequency,
        language=draft.language,
        label=new_label(draft.name),
    )
    db.session.add(mailing_list)
    db.session.flush()
    return mailing_list


def change_list(mailing_list: MailingList, draft: ListDraft) -> MailingList:
    """Change how a list presents itself. Its purpose stays: people consented to that one (GDPR Art. 5(1)(b)).

    Raises Invalid, or NotAllowed once archived.
    """
    if mailing_list.archived_at is not None:
        raise NotAllowed("This list is archived and can no longer be changed.")
    _check(mailing_list.organisation_id, draft)
    if draft.purpose.id != mailing_list.purpose_id:
        raise Invalid(
            "Please correct the fields marked below.",
            {"purpose": "People joined for the present purpose. Make a new list for another one."},
        )
    mailing_list.sender_id = draft.sender.id
    mailing_list.name = draft.name
    mailing_list.description = draft.description
    mailing_list.frequency = draft.frequency
    mailing_list.language = draft.language
    db.session.flush()
    return mailing_list


def archive_list(mailing_list: MailingList) -> MailingList:
    """Take a list out of use: nobody can join or be mailed, everything stays on record."""
    mailing_list.archived_at = mailing_list.archived_at or clock.now()
    db.session.flush()
    return mailing_list


def list_lists(organisation: Organisation, *, with_archived: bool = False) -> list[MailingList]:
    """The lists of `organisation`, live ones first, oldest first."""
    query = (
        sa.select(MailingList)
        .where(MailingList.organisation_id == organisation.id)
        .order_by(MailingList.archived_at.is_not(None), MailingList.id)
    )
    if not with_archived:
        query = query.where(MailingList.archived_at.is_(None))
    return list(db.session.scalars(query))


def list_lists_of_sender(sender: Sender) -> list[MailingList]:
    """The live lists that send as `sender`."""
    query = sa.select(MailingList).where(
        MailingList.sender_id == sender.id, MailingList.archived_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(MailingList.id)))


def get_list(organisation: Organisation, public_id: str) -> MailingList:
    """The list of `organisation` with this public id. Raises NotFound."""
    found = db.session.scalar(
        sa.select(MailingList).where(
            MailingList.organisation_id == organisation.id, MailingList.public_id == public_id
        )
    )
    if found is None:
        raise NotFound("There is no such list here.")
    return found


def get_list_by_id(list_id: int) -> MailingList:
    """The list with this row id. Raises NotFound."""
    found = db.session.get(MailingList, list_id)
    if found is None:
        raise NotFound("There is no such list.")
    return found


def _check(organisation_id: int, draft: ListDraft) -> None:
    errors: dict[str, str] = {}
    purpose, sender = draft.purpose, draft.sender
    if purpose.organisation_id != organisation_id or purpose.archived_at is not None:
        errors["purpose"] = "Please choose a purpose that is in use."
    elif purpose.lawful_basis is not LawfulBasis.CONSENT:
        errors["purpose"] = "A mailing list needs a purpose that rests on consent."
    if sender.organisation_id != organisation_id or sender.archived_at is not None:
        errors["sender"] = "Please choose a sender that is in use."
    if errors:
        raise Invalid("Please correct the fields marked below.", errors)
