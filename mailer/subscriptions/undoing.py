"""Undo of what was just pressed: restores exactly those consents, for a short time, by a link of its own.

Leaving by the link of a forwarded mail can so be taken back at once, and by nobody later (S-003).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from mailer import consent
from mailer.consent import About, ConsentRecord, ConsentState, ConsentSubject, Evidence
from mailer.contacts import Contact, get_linked
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import LinkExpired, LinkInvalid, NotAllowed
from mailer.foundation.tokens import LONGEST_TOKEN, Purpose, read_timed, sign_timed
from mailer.lists import get_list_by_id
from mailer.organisations import get_organisation_by_id
from mailer.subscriptions.lifecycle import UNDO_LIFE, activate, find_subscription, lock
from mailer.subscriptions.links import is_blocked
from mailer.suppression import (
    SUPPRESSED_CONSENTS,
    Reason,
    Scope,
    SuppressionEntry,
    lift,
    list_entries,
)

TOO_LATE = "This can no longer be undone: something else was changed since."


def sign_undo(contact: Contact, withdrawn: Sequence[ConsentRecord]) -> str:
    """The token that undoes these withdrawals within half an hour; empty when nothing can be undone.

    That is so where nothing was withdrawn, while the person blocks all mail, and where a suppression stood
    against what was withdrawn: given again, it would outrank that.
    """
    organisation = get_organisation_by_id(contact.organisation_id)
    if not withdrawn or is_blocked(organisation, contact.address_digest):
        return ""
    if _was_stopped(contact, withdrawn):
        return ""
    names = [record.public_id for record in withdrawn]
    token = sign_timed(Purpose.UNDO, [contact.public_id, names, now().isoformat()])
    return token if len(token) <= LONGEST_TOKEN else ""


def undo(token: str, evidence: Evidence) -> list[ConsentRecord]:
    """Give again exactly what the withdrawals of a token ended; pressing twice is pressing once.

    Each becomes a new record that names what it restores. Raises LinkExpired, LinkInvalid once the person is
    erased, and NotAllowed when something else happened since, such as a block or another wish to leave.
    """
    contact, withdrawn, signed_at = _read(token)
    lock(contact)
    organisation = get_organisation_by_id(contact.organisation_id)
    entries = list_entries(organisation, contact.address_digest or "")
    if any(entry.created_at > signed_at or _blocks_since(entry, signed_at) for entry in entries):
        raise NotAllowed(TOO_LATE)
    subject = consent.get_subject(contact.subject_id)
    restored = []
    for list_id, ends in groupby(withdrawn, key=lambda record: record.mailing_list_id):
        about = consent.TRACKING if list_id is None else About(get_list_by_id(list_id))
        if consent.find_valid(subject, about) is not None:
            continue
        records = list(ends)
        if _newest_about(records[0]).id != records[-1].id or _left_since(contact, about, signed_at):
            raise NotAllowed(TOO_LATE)
        given = [_restore(subject, about, record, evidence) for record in records]
        if about.mailing_list is not None:
            activate(contact, about.mailing_list, given[-1])
        restored += given
    # What leaving everything entered besides goes with it: consents given elsewhere are older than that.
    since = min(record.recorded_at for record in withdrawn)
    lift(organisation, contact.address_digest or "", reason=Reason.UNSUBSCRIBED, since=since)
    return restored


def _was_stopped(contact: Contact, withdrawn: Sequence[ConsentRecord]) -> bool:
    """Whether a suppression from before stood against the newest consent of any list that was left."""
    newest = {one.mailing_list_id: one.ends_id for one in withdrawn if one.mailing_list_id}
    stopped = SUPPRESSED_CONSENTS.c
    query = sa.select(stopped.entry_id).where(
        stopped.consent_id.in_(newest.values()),
        stopped.organisation_id == contact.organisation_id,
        stopped.address_digest == contact.address_digest,
        stopped.created_at < min(one.recorded_at for one in withdrawn),
    )
    return db.session.scalars(query.limit(1)).first() is not None


def _left_since(contact: Contact, about: About, moment: datetime) -> bool:
    """Whether the person left the list again after `moment`, which ends nothing any more and has no record."""
    if about.mailing_list is None:
        return False
    subscription = find_subscription(contact, about.mailing_list)
    return bool(subscription and subscription.ended_at and subscription.ended_at > moment)


def _restore(
    subject: ConsentSubject, about: About, withdrawal: ConsentRecord, evidence: Evidence
) -> ConsentRecord:
    """Give again what was withdrawn: it answers the same request, and counts from the same day if that is
    elsewhere.
    """
    ended = db.session.get_one(ConsentRecord, withdrawal.ends_id)
    asked = ended.follows_id and db.session.get_one(ConsentRecord, ended.follows_id)
    return consent.record_given(
        subject,
        about,
        {**evidence, "restores": ended.public_id, "undoes": withdrawal.public_id},
        follows=asked or None,
        given_at=ended.given_at,
    )


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
        .order_by(ConsentRecord.mailing_list_id, ConsentRecord.id)
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
