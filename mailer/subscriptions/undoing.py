"""Undo of what was just pressed: restores exactly those consents, for a short time, by a link of its own.

Leaving by the link of a forwarded mail can so be taken back at once, and by nobody later (S-003).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer import consent
from mailer.consent import About, ConsentRecord, ConsentState, Evidence
from mailer.contacts import Contact, get_linked
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import LinkExpired, LinkInvalid, NotAllowed
from mailer.foundation.tokens import LONGEST_TOKEN, Purpose, read_timed, sign_timed
from mailer.lists import get_list_by_id
from mailer.organisations import get_organisation_by_id
from mailer.subscriptions.lifecycle import activate, lock
from mailer.suppression import Scope, SuppressionEntry, list_entries

UNDO_LIFE = timedelta(minutes=30)
TOO_LATE = "This can no longer be undone: something else was changed since."


def sign_undo(contact: Contact, withdrawn: Sequence[ConsentRecord]) -> str:
    """The token that undoes these withdrawals within half an hour; empty when there is nothing to undo."""
    if not withdrawn:
        return ""
    names = [record.public_id for record in withdrawn]
    token = sign_timed(Purpose.UNDO, [contact.public_id, names, now().isoformat()])
    return token if len(token) <= LONGEST_TOKEN else ""


def undo(token: str, evidence: Evidence) -> list[ConsentRecord]:
    """Give again exactly what the withdrawals of a token ended; pressing twice is pressing once.

    Each becomes a new record that names what it restores. Raises LinkExpired, LinkInvalid once the person is
    erased, and NotAllowed when something else happened since, such as a block or another withdrawal.
    """
    contact, withdrawn, signed_at = _read(token)
    lock(contact)
    organisation = get_organisation_by_id(contact.organisation_id)
    entries = list_entries(organisation, contact.address_digest or "")
    if any(entry.created_at > signed_at or _blocks_since(entry, signed_at) for entry in entries):
        raise NotAllowed(TOO_LATE)
    subject = consent.get_subject(contact.subject_id)
    restored = []
    for record in withdrawn:
        if record.mailing_list_id is None:
            about = consent.TRACKING
        else:
            about = About(get_list_by_id(record.mailing_list_id))
        if consent.find_valid(subject, about) is not None:
            continue
        newest = _newest_about(record)
        if newest.id not in {one.id for one in withdrawn}:
            raise NotAllowed(TOO_LATE)
        ended = db.session.get_one(ConsentRecord, record.ends_id)
        told = {**evidence, "restores": ended.public_id, "undoes": record.public_id}
        given = consent.record_given(subject, about, told)
        if about.mailing_list is not None:
            activate(contact, about.mailing_list, given)
        restored.append(given)
    return restored


def whose_undo(token: str) -> Contact:
    """Whom an undo is about. Raises as `undo` does."""
    return _read(token)[0]


def _read(token: str) -> tuple[Contact, list[ConsentRecord], datetime]:
    try:
        contact_id, names, signed_at = read_timed(Purpose.UNDO, token, max_age=UNDO_LIFE)
    except LinkExpired as error:
        sentence = "This can be undone for 30 minutes only, and they are over."
        raise LinkExpired(sentence, error.payload) from None
    contact = get_linked(contact_id)
    records = db.session.scalars(
        sa.select(ConsentRecord)
        .where(
            ConsentRecord.public_id.in_(names),
            ConsentRecord.subject_id == contact.subject_id,
            ConsentRecord.state == ConsentState.WITHDRAWN,
        )
        .order_by(ConsentRecord.id)
    ).all()
    if len(records) != len(names):
        raise LinkInvalid("This link is damaged or incomplete.")
    return contact, list(records), datetime.fromisoformat(signed_at)


def _blocks_since(entry: SuppressionEntry, moment: datetime) -> bool:
    """Whether it stops all mail now, or did after `moment`: saying "not me" again makes no newer entry."""
    is_over = entry.lifted_at is not None and entry.lifted_at <= moment
    return entry.scope is Scope.ALL_MAIL and not is_over


def _newest_about(record: ConsentRecord) -> ConsentRecord:
    """The newest record of the same person about the same thing."""
    query = (
        sa.select(ConsentRecord)
        .where(
            ConsentRecord.subject_id == record.subject_id,
            ConsentRecord.matter == record.matter,
            ConsentRecord.mailing_list_id.is_(None)
            if record.mailing_list_id is None
            else ConsentRecord.mailing_list_id == record.mailing_list_id,
        )
        .order_by(ConsentRecord.id.desc())
        .limit(1)
    )
    return db.session.scalars(query).one()
