"""What an import holds of people goes: when its time is over (C-028), and when a person is erased (C-092)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from mailer import consent, transactional
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.turns import Turn
from mailer.imports import files
from mailer.imports.dry_run import add_counts, counted
from mailer.imports.importing import blank
from mailer.imports.models import Import, ImportRow
from mailer.imports.states import QUARANTINED, WORKING, ImportState, Refusal, RowState
from mailer.imports.undoing import release_locked
from mailer.organisations import Organisation

_ENDED_HERE = (*QUARANTINED, RowState.KNOWN, RowState.REFUSED)
CHUNK = 100
STRAY_AGE = timedelta(hours=1)


def expire_imports() -> int:
    """Erase rows whose time is over, for one turn; returns how many, 0 when there is nothing to do.

    Links of permission mails end by themselves, quarantine ends with its import. Figures stay.
    """
    return Turn().repeat(lambda: _expire_some(CHUNK))


def _expire_some(limit: int) -> int:
    asked = _expired_links(limit)
    if asked:
        return asked
    found = db.session.scalar(
        sa.select(Import)
        .where(Import.expires_at <= now(), Import.ended_at.is_(None), Import.state.not_in(WORKING))
        .order_by(Import.expires_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is None:
        return 0
    return _end_quarantine(found, limit) or _end_import(found)


def sweep_files() -> int:
    """Remove files that no import needs, such as one whose creation failed half way; returns how many."""
    needed = db.session.scalars(
        sa.select(Import.public_id).where(Import.sealed_key.is_not(None))
    ).all()
    return files.remove_all_but(needed, older_than=(now() - STRAY_AGE).timestamp())


def _expired_links(limit: int) -> int:
    rows = db.session.scalars(
        sa.select(ImportRow)
        .where(
            ImportRow.mailed_at.is_not(None),
            ImportRow.state == RowState.ASKED,
            ImportRow.expires_at <= now(),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    by_import = Counter(row.import_id for row in rows)
    if rows:
        release_locked(rows, RowState.EXPIRED)
    for import_id, count in by_import.items():
        found = db.session.get_one(Import, import_id, with_for_update=True)
        changes = Counter({RowState.EXPIRED.value: count})
        changes.subtract({RowState.ASKED.value: count})
        add_counts(found, changes)
    return len(rows)


def _end_quarantine(found: Import, limit: int) -> int:
    """Erase rows that were never imported, and locked people who were never asked."""
    locked = db.session.scalars(
        sa.select(ImportRow)
        .where(ImportRow.import_id == found.id, ImportRow.state == RowState.LOCKED)
        .limit(limit)
    ).all()
    if locked:
        found.is_asking = False
        release_locked(locked, RowState.EXPIRED)
        changes = counted(RowState.EXPIRED, None, len(locked))
        changes.subtract(counted(RowState.LOCKED, None, len(locked)))
        add_counts(found, changes)
        return len(locked)
    old = (
        sa.select(ImportRow.id)
        .where(ImportRow.import_id == found.id, ImportRow.state.in_(_ENDED_HERE))
        .limit(limit)
    )
    gone = db.session.execute(
        sa.delete(ImportRow).where(ImportRow.id.in_(old)).returning(ImportRow.id)
    )
    return len(gone.all())


def _end_import(found: Import) -> int:
    """Close an import of which nothing personal waits any more."""
    if found.counts.get(RowState.ASKED.value, 0) > 0:
        found.expires_at = now() + timedelta(days=1)  # their links end by themselves
        return 0
    if found.state in (ImportState.MAPPING, ImportState.CHECKED):
        found.state = ImportState.EXPIRED
    if found.state is ImportState.EXPIRED and found.evidence_subject_id is not None:
        consent.erase_subject(consent.get_subject(found.evidence_subject_id))
    found.sealed_key = None
    found.ended_at = now()
    db.session.flush()
    files.remove(found.public_id)
    return 0


_OPEN = (*QUARANTINED, RowState.KNOWN, RowState.LOCKED, RowState.ASKED)


def forget(
    organisation: Organisation, address_digest: str | None, contact: Contact | None = None
) -> list[int]:
    """Erase what the rows of all imports hold about one person, and the mails to them (C-092).

    Returns the row ids of the subjects these rows stand under in the ledger. A disputed row keeps the digest
    of its address: only its own link can take the block back (C-083).
    """
    whose = []
    if address_digest is not None:
        whose.append(ImportRow.address_digest == address_digest)
    if contact is not None:
        whose.append(ImportRow.contact_id == contact.id)
    if not whose:
        return []
    rows = db.session.scalars(
        sa.select(ImportRow)
        .join(Import, Import.id == ImportRow.import_id)
        .where(Import.organisation_id == organisation.id, sa.or_(*whose))
    ).all()
    changes: dict[int, Counter[str]] = {}
    for row in rows:
        of_import = changes.setdefault(row.import_id, Counter())
        of_import.subtract(counted(row.state, row.refusal))
        if row.public_id is not None:
            transactional.forget_addressee(row.public_id)
        if row.state in _OPEN:
            row.state, row.refusal, row.settled_at = RowState.REFUSED, Refusal.ERASED, now()
        of_import.update(counted(row.state, row.refusal))
        digest = row.address_digest if row.state is RowState.DISPUTED else None
        blank(row)
        row.address_digest = digest
        row.mail_evidence, row.filled, row.detail = None, [], ""
    for import_id, of_import in changes.items():
        add_counts(db.session.get_one(Import, import_id, with_for_update=True), of_import)
    db.session.flush()
    return sorted({row.subject_id for row in rows if row.subject_id is not None})
