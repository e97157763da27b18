"""Taking an import back, slice by slice, where nothing else has happened with a person since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from mailer import consent, transactional
from mailer.consent import ConsentRecord
from mailer.contacts import Contact
from mailer.delivery import Delivery
from mailer.foundation.clock import iso, now
from mailer.foundation.database import db
from mailer.foundation.turns import Turn
from mailer.imports.dry_run import add_counts, counted, next_rows
from mailer.imports.importing import blank
from mailer.imports.models import Import, ImportRow
from mailer.imports.states import UNDOABLE, ImportState, Refusal, RowState
from mailer.lists import get_list_by_id
from mailer.organisations import get_organisation_by_id
from mailer.signup import SignupRequest
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason, SuppressionEntry

CHUNK = 100  # rows that are taken back by the same statements


def undo_slice(found: Import) -> None:
    """Take back the next rows, for one turn; the last ends the undo. The caller holds a lock on `found`.

    Imported consents are ended by records of their own and stay in the ledger.
    """
    Turn().repeat(lambda: _undo_some(found))


def _undo_some(found: Import) -> int:
    """Take back a statement's worth of rows; returns how many, 0 once nothing is left."""
    rows = next_rows(found, UNDOABLE, CHUNK)
    if not rows:
        _finish(found)
        return 0
    changes: Counter[str] = Counter()
    for row in rows:
        changes.subtract(counted(row.state, row.refusal))
    if rows[0].state is RowState.IMPORTED:
        _take_back_people(found, rows)
    elif rows[0].state is RowState.SUPPRESSED:
        _take_back_suppressions(rows)
    else:
        release_locked(rows, RowState.UNDONE)
    for row in rows:
        changes.update(counted(row.state, row.refusal))
    add_counts(found, changes)
    db.session.flush()
    return len(rows)


def release_locked(rows: Sequence[ImportRow], state: RowState) -> None:
    """End people who never confirmed: what is personal goes with their key, the records stay (C-028)."""
    for row in rows:
        if row.public_id is not None:
            transactional.forget_addressee(row.public_id)
        row.state, row.settled_at, row.mail_evidence = state, now(), None
        blank(row)
    subjects = [row.subject_id for row in rows if row.subject_id is not None]
    if subjects:
        consent.erase_subjects(consent.list_subjects(subjects))
    db.session.flush()


def _take_back_people(found: Import, rows: Sequence[ImportRow]) -> None:
    contacts = {
        contact.id: contact
        for contact in db.session.scalars(
            sa.select(Contact)
            .where(Contact.id.in_([row.contact_id for row in rows]))
            .order_by(Contact.id)
            .with_for_update()
        )
    }
    touched = _touched(found, rows, contacts) | _mailed(contacts)
    going: list[tuple[ImportRow, Contact]] = []
    for row in rows:
        contact = contacts.get(row.contact_id or 0)
        if contact is None or contact.id in touched or row.record_id is None:
            row.state, row.refusal = RowState.KEPT, Refusal.TOUCHED
        else:
            going.append((row, contact))
    _end_consents(found, going)
    fresh = []
    for row, contact in going:
        if row.is_new_contact:
            fresh.append(contact)
        else:
            _empty_again(contact, row)
        row.state, row.settled_at, row.filled = RowState.UNDONE, now(), []
    _forget_contacts(fresh)


def _touched(found: Import, rows: Sequence[ImportRow], contacts: dict[int, Contact]) -> set[int]:
    """People with whom something happened that was not this import's doing."""
    touched = {
        one.id for one in contacts.values() if one.erased_at or one.restricted_at or one.paused_at
    }
    touched |= {one.id for one in contacts.values() if one.mail_interval_days is not None}
    records = {row.contact_id: row.record_id for row in rows}
    by_subject = {one.subject_id: one.id for one in contacts.values()}
    for subject_id, newest in db.session.execute(
        sa.select(ConsentRecord.subject_id, sa.func.max(ConsentRecord.id))
        .where(ConsentRecord.subject_id.in_(by_subject))
        .group_by(ConsentRecord.subject_id)
    ):
        if newest != records.get(by_subject[subject_id]):
            touched.add(by_subject[subject_id])
    cited: set[int] = set()
    fresh = {row.contact_id for row in rows if row.is_new_contact}
    for contact_id, list_id, state, proof_id in db.session.execute(
        sa.select(
            Subscription.contact_id,
            Subscription.mailing_list_id,
            Subscription.state,
            Subscription.proof_id,
        ).where(Subscription.contact_id.in_(contacts))
    ):
        is_ours = list_id == found.mailing_list_id and proof_id == records.get(contact_id)
        if is_ours and state is SubscriptionState.ACTIVE:
            cited.add(contact_id)
        elif contact_id in fresh:
            touched.add(contact_id)
    touched |= contacts.keys() - cited
    touched |= set(
        db.session.scalars(
            sa.select(SignupRequest.contact_id).where(
                SignupRequest.contact_id.in_(contacts),
                SignupRequest.settled_at > (found.imported_at or found.created_at),
            )
        )
    )
    return touched | _stopped_since(found, contacts)


def _mailed(contact_ids: Collection[int]) -> set[int]:
    """Those for whom any campaign mail was planned or sent."""
    query = sa.select(Delivery.contact_id).where(Delivery.contact_id.in_(contact_ids)).distinct()
    return set(db.session.scalars(query))


def _stopped_since(found: Import, contacts: dict[int, Contact]) -> set[int]:
    digests = {one.address_digest: one.id for one in contacts.values() if one.address_digest}
    stopped = db.session.scalars(
        sa.select(SuppressionEntry.address_digest).where(
            SuppressionEntry.organisation_id == found.organisation_id,
            SuppressionEntry.address_digest.in_(digests),
        )
    )
    return {digests[digest] for digest in stopped}


def _end_consents(found: Import, going: Sequence[tuple[ImportRow, Contact]]) -> None:
    if not going:
        return
    # First the memberships: the database refuses to end a record that is still cited.
    db.session.execute(
        sa.delete(Subscription).where(
            Subscription.mailing_list_id == found.mailing_list_id,
            Subscription.contact_id.in_([contact.id for _, contact in going]),
        )
    )
    keyed = consent.keyed_subjects([contact.subject_id for _, contact in going])
    evidence = {"method": "import undone", "import": found.public_id, "at": iso(now())}
    consent.record_terminated_many(
        get_organisation_by_id(found.organisation_id),
        get_list_by_id(found.mailing_list_id),
        [
            (keyed[contact.subject_id], evidence, row.record_id)
            for row, contact in going
            if row.record_id is not None and contact.subject_id in keyed
        ],
    )


def _empty_again(contact: Contact, row: ImportRow) -> None:
    """Take out of a contact what the import filled in, where it still stands as it was filled."""
    for name, value in row.filled:
        own = name.removeprefix("fields.")
        if own == name:
            if getattr(contact, name) == value:
                setattr(contact, name, "")
        elif contact.fields.get(own) == value:
            contact.fields = {key: kept for key, kept in contact.fields.items() if key != own}


def _forget_contacts(contacts: Sequence[Contact]) -> None:
    """Leave empty shells of people whom nobody knew before, and destroy their evidence and its key."""
    if not contacts:
        return
    subjects = [contact.subject_id for contact in contacts]
    db.session.flush()
    db.session.execute(
        sa.update(Contact)
        .where(Contact.id.in_([contact.id for contact in contacts]))
        .values(
            address=None,
            address_digest=None,
            first_name="",
            last_name="",
            language="en",
            fields={},
            erased_at=now(),
        )
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()
    consent.erase_subjects(consent.list_subjects(subjects))


def _take_back_suppressions(rows: Sequence[ImportRow]) -> None:
    """Opt-outs that only this file told of are lifted again; a complaint stays (C-083)."""
    entries = {
        entry.id: entry
        for entry in db.session.scalars(
            sa.select(SuppressionEntry).where(
                SuppressionEntry.id.in_([row.suppression_id for row in rows])
            )
        )
    }
    digests = [entry.address_digest for entry in entries.values()]
    query = (
        sa.select(SuppressionEntry.address_digest, sa.func.max(SuppressionEntry.id))
        .where(SuppressionEntry.address_digest.in_(digests))
        .group_by(SuppressionEntry.address_digest)
    )
    newest = {row[0]: row[1] for row in db.session.execute(query)}
    for row in rows:
        entry = entries.get(row.suppression_id or 0)
        is_ours = entry is not None and newest.get(entry.address_digest) == entry.id
        if entry is None or not is_ours or entry.reason is Reason.COMPLAINT:
            row.state, row.refusal = RowState.KEPT, Refusal.TOUCHED
            continue
        entry.lifted_at = entry.lifted_at or now()
        row.state, row.refusal, row.settled_at = RowState.UNDONE, None, now()


def _finish(found: Import) -> None:
    found.state = ImportState.UNDONE
    needed = (RowState.IMPORTED, RowState.CONFIRMED, RowState.KEPT)
    is_needed = any(found.counts.get(state.value) for state in needed)
    if found.evidence_subject_id is not None and not is_needed:
        consent.erase_subject(consent.get_subject(found.evidence_subject_id))
    db.session.flush()
