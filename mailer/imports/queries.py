"""What doors ask about imports."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

import sqlalchemy as sa

from mailer import consent
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.paging import Cursor, Page, page_of
from mailer.imports.models import Import, ImportRow
from mailer.imports.row_reader import protect
from mailer.imports.states import QUARANTINED, REASONS, UNDOABLE, ImportState, RowState
from mailer.organisations import Organisation

_TOLD = (RowState.REFUSED, RowState.SUPPRESSED, RowState.OPTED_OUT, RowState.KEPT)
_IS_CORRECTED = sa.and_(ImportRow.detail != "", ImportRow.state.not_in(_TOLD))
_BROUGHT = (RowState.IMPORTED, RowState.LOCKED, RowState.SUPPRESSED)
_TAKEN = (RowState.UNDONE, RowState.KEPT)
_SLICE = 2_000


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that does not lead to a membership, and why."""

    line: int
    address: str
    reason: str


def get_import(organisation: Organisation, public_id: str) -> Import:
    """The import of this organisation. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Import).where(
            Import.organisation_id == organisation.id, Import.public_id == public_id
        )
    )
    if found is None:
        raise NotFound("There is no such import here.")
    return found


def list_imports(organisation: Organisation, cursor: Cursor) -> Page[Import]:
    """One page of imports, newest first."""
    query = sa.select(Import).where(Import.organisation_id == organisation.id)
    return page_of(query, Import, cursor)


def list_refused(found: Import, *, limit: int) -> list[RefusedRow]:
    """The first `limit` rows that are refused or left out, in the order of the file."""
    rows = db.session.scalars(
        sa.select(ImportRow)
        .where(ImportRow.import_id == found.id, ImportRow.state.in_(_TOLD))
        .order_by(ImportRow.line)
        .limit(limit)
    )
    return [_refused(row) for row in rows]


def list_corrected(found: Import, *, limit: int) -> list[RefusedRow]:
    """The first `limit` rows that count although their address had to be corrected, and how."""
    rows = db.session.scalars(
        sa.select(ImportRow)
        .where(ImportRow.import_id == found.id, _IS_CORRECTED)
        .order_by(ImportRow.line)
        .limit(limit)
    )
    return [RefusedRow(row.line, row.address or "", row.detail) for row in rows]


def iter_refused_csv(found: Import) -> Iterator[str]:
    """All refused rows, and those that were corrected, as CSV (RFC 4180), safe to open in a spreadsheet
    (S-063); read slice by slice.
    """
    yield _csv_lines([("line", "address", "reason")])
    last = 0
    while True:
        rows = db.session.scalars(
            sa.select(ImportRow)
            .where(
                ImportRow.import_id == found.id,
                ImportRow.id > last,
                sa.or_(ImportRow.state.in_(_TOLD), _IS_CORRECTED),
            )
            .order_by(ImportRow.id)
            .limit(_SLICE)
        ).all()
        if not rows:
            return
        told = [_refused(row) for row in rows]
        last = rows[-1].id
        db.session.expunge_all()
        yield _csv_lines([(str(one.line), one.address, one.reason) for one in told])


def read_evidence(found: Import) -> bytes:
    """The evidence file as it was attached. Raises NotFound when there is none, or none any more."""
    if found.evidence_subject_id is None:
        raise NotFound("No evidence file is attached to this import.")
    keeper = consent.get_subject(found.evidence_subject_id)
    return consent.get_blob(keeper, found.evidence_sha256)


def subjects_of(contact: Contact) -> list[int]:
    """The subjects of imports that a contact stands under in the ledger besides their own."""
    found = db.session.scalars(
        sa.select(ImportRow.subject_id).where(
            ImportRow.contact_id == contact.id, ImportRow.subject_id.is_not(None)
        )
    )
    return sorted({subject_id for subject_id in found if subject_id is not None})


def _refused(row: ImportRow) -> RefusedRow:
    reason = REASONS[row.refusal] if row.refusal is not None else ""
    if row.detail:
        reason = f"{reason} ({row.detail})" if reason else row.detail
    return RefusedRow(row.line, row.address or "", reason)


def _csv_lines(rows: list[tuple[str, ...]]) -> str:
    text = StringIO()
    csv.writer(text).writerows([[protect(cell) for cell in row] for row in rows])
    return text.getvalue()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work on an import is, in bytes while it reads and in rows afterwards."""

    done: int
    total: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0


def progress_of(found: Import) -> Progress:
    """How far the reading, importing or undoing of an import is."""
    if found.state is ImportState.READING:
        return Progress(found.offset, found.file_bytes)
    left, gone = (
        (QUARANTINED, _BROUGHT) if found.state is ImportState.IMPORTING else (UNDOABLE, _TAKEN)
    )
    waiting = count_in(found, *left)
    done = count_in(found, *gone)
    return Progress(done, waiting + done)


def count_in(found: Import, *states: RowState) -> int:
    """How many rows of an import stand in any of these states."""
    return sum(int(found.counts.get(state.value, 0)) for state in states)
