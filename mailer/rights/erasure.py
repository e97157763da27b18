"""Erasing a person (GDPR Art. 17): everything that says who they were goes, what only counts stays.

The order keeps every promise at each possible crash: first the list outside the database is written and
forced to the disk; then rows change; last, and just before the commit, the keys are destroyed. Whatever
breaks after the list was written is mended by `reapply`, which every start and a chore run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from mailer import (
    consent,
    contacts,
    delivery,
    erasures,
    imports,
    signup,
    subscriptions,
    tracking,
    transactional,
    transparency,
)
from mailer.consent import ConsentRecord, ConsentSubject
from mailer.contacts import Contact
from mailer.delivery import Delivery
from mailer.erasures import AskedBy, Entry, Erasure
from mailer.foundation import keystore
from mailer.foundation.clock import iso, now
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import NotAllowed
from mailer.foundation.ids import new_id
from mailer.foundation.tokens import Purpose
from mailer.foundation.turns import Turn
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.rights.closing import Closing, Numbers, plan_closing_mail, write_closing
from mailer.suppression import Reason, Scope, list_entries, suppress
from mailer.transactional import MailedLink, MessageKind, mail_link, read_mailed_link

KIND = "erased"  # the type of its leaf in the log
_TURN = "reapply-erasures"


def count_for(contact: Contact) -> Numbers:
    """What erasing this person would destroy, to be told before it is done."""
    subject_ids = signup.subjects_of(contact)
    records = sa.select(sa.func.count()).where(ConsentRecord.subject_id.in_(subject_ids))
    mails = sa.select(sa.func.count()).where(Delivery.contact_id == contact.id)
    return Numbers(
        records=db.session.scalar(records) or 0,
        lists=tuple(mailing_list.name for mailing_list in _lists(contact)),
        mails=db.session.scalar(mails) or 0,
    )


def erase(contact: Contact, *, asked_by: AskedBy, evidence: Mapping[str, Any]) -> Closing:
    """Erase a person and return their closing receipt, which is also mailed to them (C-092, C-094).

    Every membership ends and every consent is withdrawn; payloads, salts, blobs and the person's key are
    destroyed; a keyed digest stays in the suppression list; the log gets a leaf of type `erased`.
    Raises NotAllowed when they were erased already, Unavailable when the list of erasures cannot be written.
    """
    subscriptions.lock(contact)
    if contact.erased_at is not None or contact.address is None:
        raise NotAllowed("This person was erased already.")
    organisation = get_organisation_by_id(contact.organisation_id)
    moment, lists = now(), _lists(contact)
    closing = write_closing(
        organisation,
        public_id=new_id("era"),
        numbers=count_for(contact),
        asked_by=asked_by.value,
        at=moment,
    )
    subscriptions.unsubscribe_all(contact, evidence, reason=Reason.ERASURE)
    subjects = _forget(organisation, contact)
    entry = _entry(organisation, contact, subjects, closing, asked_by, moment)
    plan_closing_mail(organisation, contact, closing, lists)
    contacts.erase(contact, at=moment)
    _enter(organisation, contact, entry)
    db.session.flush()
    erasures.append(entry)
    consent.erase_subjects(subjects)
    return closing


def reapply(entries: Iterable[Entry]) -> int:
    """Erase again whoever a restored database still knows, for one turn; returns how many (C-092).

    A key that came back with an old copy of the key store is destroyed too. People who joined anew after
    their erasure are somebody new to the service and stay. Several workers that start at the same moment take
    turns.
    """
    serialise_on(_TURN)
    return sum(_reapply(entry) for entry in Turn().take(entries))


def _reapply(entry: Entry) -> int:
    organisation = db.session.scalar(
        sa.select(Organisation).where(Organisation.public_id == entry.organisation)
    )
    if organisation is None:
        keystore.destroy(entry.subjects)
        return 0
    moment = datetime.fromisoformat(entry.erased_at)
    contact = db.session.scalar(sa.select(Contact).where(Contact.public_id == entry.contact))
    subjects = _named(entry.subjects)
    if contact is not None and contact.erased_at is None:
        consent.renew_key(consent.get_subject(contact.subject_id))
        subscriptions.unsubscribe_all(
            contact, {"method": "erasure, carried out again"}, reason=Reason.ERASURE
        )
        subjects = list({*subjects, *_forget(organisation, contact)})
        contacts.erase(contact, at=moment)
    if not any(
        one.reason is Reason.ERASURE for one in list_entries(organisation, entry.address_digest)
    ):
        suppress(
            organisation,
            entry.address_digest,
            scope=Scope.MARKETING,
            reason=Reason.ERASURE,
            at=moment,
        )
    _enter(organisation, contact, entry)
    db.session.flush()
    consent.erase_subjects(subjects)
    keystore.destroy(entry.subjects)
    return 1


def _forget(organisation: Organisation, contact: Contact) -> list[ConsentSubject]:
    """Wipe what the rooms hold of a person besides the ledger; returns all they stand in it as."""
    imported = imports.forget(organisation, contact.address_digest, contact)
    asked = {contact.subject_id, *signup.forget(contact), *imported}
    transactional.forget_address(organisation, cast("str", contact.address))
    transactional.forget_addressee(contact.public_id)
    delivery.forget_replies(contact)
    delivery.forget_counting(contact)
    tracking.forget_clicks(contact)
    return consent.list_subjects(asked)


def _enter(organisation: Organisation, contact: Contact | None, entry: Entry) -> None:
    """The row of an erasure and its leaf, each once."""
    if db.session.scalar(sa.select(Erasure.id).where(Erasure.public_id == entry.erasure)) is None:
        db.session.add(
            Erasure(
                public_id=entry.erasure,
                organisation_id=organisation.id,
                contact_id=contact.id if contact is not None else None,
                asked_by=AskedBy(entry.asked_by),
                record_count=entry.record_count,
                algorithm=entry.algorithm,
                commitment=bytes.fromhex(entry.commitment),
                erased_at=datetime.fromisoformat(entry.erased_at),
            )
        )
    if not transparency.is_logged(entry.erasure):
        transparency.queue_leaf(
            organisation,
            kind=KIND,
            public_id=entry.erasure,
            algorithm=entry.algorithm,
            commitment=bytes.fromhex(entry.commitment),
            happened_at=datetime.fromisoformat(entry.erased_at),
        )


def _entry(
    organisation: Organisation,
    contact: Contact,
    subjects: list[ConsentSubject],
    closing: Closing,
    asked_by: AskedBy,
    moment: datetime,
) -> Entry:
    return Entry(
        erasure=closing.public_id,
        organisation=organisation.public_id,
        contact=contact.public_id,
        subjects=tuple(subject.public_id for subject in subjects),
        address_digest=cast("str", contact.address_digest),
        asked_by=asked_by.value,
        record_count=int(closing.document["destroyed"]["consent_records"]),
        algorithm=consent.ALGORITHM,
        commitment=closing.commitment.hex(),
        erased_at=iso(moment),
    )


def _named(names: Iterable[str]) -> list[ConsentSubject]:
    return list(
        db.session.scalars(sa.select(ConsentSubject).where(ConsentSubject.public_id.in_(names)))
    )


def _lists(contact: Contact) -> list[MailingList]:
    return [mailing_list for _, mailing_list in subscriptions.list_of(contact)]


_LINK = MailedLink(
    kind=MessageKind.RIGHTS_LINK,
    purpose=Purpose.ERASURE,
    path="e",
    life=timedelta(days=1),
    title="Erase your data at",
    wish="to erase everything about this address",
    behind="The link shows what would be erased, and a button that does it. The link alone changes nothing.",
    button="See what would be erased",
    lasts="one day",
)


def mail_erasure_link(contact: Contact) -> bool:
    """Owe the person one mail with the link; False when one went out less than ten minutes ago.

    It goes to a blocked address too: whoever wants no mail may still want to be erased.
    """
    return mail_link(_LINK, contact)


def read_erasure_token(token: str) -> Contact:
    """Whose erasure a link is about. Raises LinkExpired, and LinkInvalid once they are erased."""
    return read_mailed_link(_LINK, token)
