"""What pages ask about memberships."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from mailer.consent import Origin
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.subscriptions.models import Subscription, SubscriptionState
from mailer.suppression import SUPPRESSED_CONSENTS


@dataclass(frozen=True, slots=True)
class ListChoice:
    """A list and where a person stands with it; `subscription` is None when they never joined."""

    mailing_list: MailingList
    subscription: Subscription | None

    @property
    def is_active(self) -> bool:
        return self.subscription is not None and self.subscription.state is SubscriptionState.ACTIVE


def list_choices(contact: Contact) -> list[ListChoice]:
    """Every open list of the organisation and every one the person is in, by name."""
    query = (
        sa.select(MailingList, Subscription)
        .outerjoin(
            Subscription,
            sa.and_(
                Subscription.mailing_list_id == MailingList.id,
                Subscription.contact_id == contact.id,
            ),
        )
        .where(
            MailingList.organisation_id == contact.organisation_id,
            sa.or_(
                MailingList.archived_at.is_(None), Subscription.state == SubscriptionState.ACTIVE
            ),
        )
        .order_by(MailingList.name, MailingList.id)
    )
    return [ListChoice(*row) for row in db.session.execute(query)]


def is_active(contact: Contact, mailing_list: MailingList) -> bool:
    """Whether a person is an active member of a list."""
    return bool(
        db.session.scalar(
            sa.select(
                sa.exists().where(
                    Subscription.contact_id == contact.id,
                    Subscription.mailing_list_id == mailing_list.id,
                    Subscription.state == SubscriptionState.ACTIVE,
                )
            )
        )
    )


def list_of(contact: Contact) -> list[tuple[Subscription, MailingList]]:
    """The memberships of a person with their lists, newest first."""
    query = (
        sa.select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.mailing_list_id)
        .where(Subscription.contact_id == contact.id)
        .order_by(Subscription.id.desc())
    )
    return [
        (subscription, mailing_list) for subscription, mailing_list in db.session.execute(query)
    ]


def count_active(list_ids: Collection[int]) -> dict[int, int]:
    """How many active members each list has."""
    query = (
        sa.select(Subscription.mailing_list_id, sa.func.count())
        .where(
            Subscription.mailing_list_id.in_(list_ids),
            Subscription.state == SubscriptionState.ACTIVE,
        )
        .group_by(Subscription.mailing_list_id)
    )
    return dict.fromkeys(list_ids, 0) | {row[0]: row[1] for row in db.session.execute(query)}


def count_subscribers(organisation: Organisation) -> int:
    """How many people have at least one active membership (C-029: nobody unconfirmed)."""
    query = sa.select(sa.func.count(sa.distinct(Subscription.contact_id))).where(
        Subscription.organisation_id == organisation.id,
        Subscription.state == SubscriptionState.ACTIVE,
    )
    return db.session.scalar(query) or 0


def count_origins(organisation: Organisation) -> dict[Origin, int]:
    """How many people have an active membership by a consent of each origin that there is."""
    query = (
        sa.select(Subscription.origin, sa.func.count(sa.distinct(Subscription.contact_id)))
        .where(
            Subscription.organisation_id == organisation.id,
            Subscription.state == SubscriptionState.ACTIVE,
        )
        .group_by(Subscription.origin)
    )
    found = {Origin(row[0]): row[1] for row in db.session.execute(query)}
    return {origin: found[origin] for origin in Origin if origin in found}


def list_of_each(
    contacts: Collection[Contact],
) -> dict[int, list[tuple[Subscription, MailingList]]]:
    """The memberships of several people by the row id of the contact, in one question."""
    query = (
        sa.select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.mailing_list_id)
        .where(Subscription.contact_id.in_([contact.id for contact in contacts]))
        .order_by(MailingList.name, Subscription.id)
    )
    found: dict[int, list[tuple[Subscription, MailingList]]] = {item.id: [] for item in contacts}
    for subscription, mailing_list in db.session.execute(query):
        found[subscription.contact_id].append((subscription, mailing_list))
    return found


def find_stopped(contacts: Collection[Contact]) -> dict[int, set[int]]:
    """Active memberships that a suppression stands against, so that no campaign goes to them: row ids of the
    entries by the row id of the membership. An entry that a newer consent outranks is not among them.
    """
    stopped = SUPPRESSED_CONSENTS.c
    query = (
        sa.select(Subscription.id, stopped.entry_id)
        .join(Contact, Contact.id == Subscription.contact_id)
        .join(
            SUPPRESSED_CONSENTS,
            sa.and_(
                stopped.organisation_id == Contact.organisation_id,
                stopped.address_digest == Contact.address_digest,
                stopped.consent_id == Subscription.proof_id,
            ),
        )
        .where(
            Subscription.contact_id.in_([contact.id for contact in contacts]),
            Subscription.state == SubscriptionState.ACTIVE,
        )
    )
    found: dict[int, set[int]] = {}
    for subscription_id, entry_id in db.session.execute(query):
        found.setdefault(subscription_id, set()).add(entry_id)
    return found


def find_newest_member(list_ids: Collection[int]) -> Contact | None:
    """Who joined one of these lists last and still is in it."""
    query = (
        sa.select(Contact)
        .join(Subscription, Subscription.contact_id == Contact.id)
        .where(
            Subscription.mailing_list_id.in_(list_ids),
            Subscription.state == SubscriptionState.ACTIVE,
            Contact.erased_at.is_(None),
        )
        .order_by(Subscription.id.desc())
        .limit(1)
    )
    return db.session.scalar(query)
