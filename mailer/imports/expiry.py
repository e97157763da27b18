"""What an import holds of people who confirmed nothing goes when its time is over (C-028)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from mailer import consent
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.turns import Turn
from mailer.imports import files
from mailer.imports.models import Import, ImportRow
from mailer.imports.quarantine import add_counts, counted
from mailer.imports.states import QUARANTINED, WORKING, ImportState, RowState
from mailer.imports.undoing import release_locked

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
