"""From the file into quarantine, slice by slice: the dry run. Nobody is mailed, counted or recorded by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.imports.dates import DateOrder
from mailer.imports.files import SealedReader
from mailer.imports.judging import Judged, Reader, judge
from mailer.imports.models import Import, ImportRow
from mailer.imports.records import Dialect, Record, iter_records
from mailer.imports.standing import decide, find_standings
from mailer.imports.states import ImportState, Refusal, RowState

SLICE = 2_000
_NOT_OUT = (RowState.PROVEN, RowState.UNPROVEN, RowState.KNOWN)


def read_slice(found: Import, *, limit: int = SLICE) -> None:
    """Judge the next `limit` records of the file and keep them in quarantine; the last slice ends the dry run.

    Where reading goes on is written in the same transaction, so that a killed worker loses nothing and
    doubles nothing. The caller holds a lock on `found`.
    """
    if not found.rows_read and clear(found):
        return
    records = _take(found, limit)
    if records:
        rows = _judged_rows(found, records)
        db.session.execute(sa.insert(ImportRow), rows)
        found.offset, found.line = records[-1].next_offset, records[-1].next_line
        found.rows_read += len(records)
    if found.rows_read > settings().import_rows:
        found.failure = (
            f"The file has more than {settings().import_rows:,} rows, which is the most this service "
            "takes at once. Split it into several files."
        )
    if len(records) < limit or found.failure:
        found.state = ImportState.CHECKED
    db.session.flush()


def clear(found: Import, *, limit: int = 10 * SLICE) -> bool:
    """Remove up to `limit` rows of an earlier reading; whether there were any."""
    old = sa.select(ImportRow.id).where(ImportRow.import_id == found.id).limit(limit)
    gone = db.session.execute(
        sa.delete(ImportRow).where(ImportRow.id.in_(old)).returning(ImportRow.id)
    )
    return bool(gone.all())


def reader_of(found: Import) -> Reader:
    """How the records of this import are read."""
    return Reader(
        header=found.header,
        targets=found.targets,
        date_order=DateOrder(found.date_order),
        now=now(),
        source=found.source,
        method=found.method,
        wording=found.wording,
        date=found.consent_date,
        has_evidence=bool(found.evidence_sha256),
        all_opted_out=found.all_opted_out,
    )


def add_counts(found: Import, changes: Counter[str]) -> None:
    """Change the figures of an import, by state and by `refused.reason`."""
    counts = Counter(found.counts)
    counts.update(changes)
    found.counts = {key: count for key, count in counts.items() if count}


def counted(state: RowState, refusal: Refusal | None, count: int = 1) -> Counter[str]:
    """The figures one row (or `count` of them) adds."""
    changes = Counter({state.value: count})
    if refusal is not None and state is RowState.REFUSED:
        changes[f"refused.{refusal.value}"] += count
    return changes


def _take(found: Import, limit: int) -> list[Record]:
    records: list[Record] = []
    with SealedReader(found.public_id, found.sealed_key or b"", offset=found.offset) as source:
        dialect = Dialect(found.encoding, found.separator)
        for record in iter_records(source, dialect, offset=found.offset, line=found.line):
            records.append(record)
            if len(records) == limit:
                break
    return records


def _judged_rows(found: Import, records: Sequence[Record]) -> list[dict[str, Any]]:
    reader = reader_of(found)
    judged = [
        Judged(RowState.REFUSED, refusal=record.problem)
        if record.problem is not None
        else judge(reader, record.cells)
        for record in records
    ]
    digests = {one.digest for one in judged if one.digest is not None}
    standings = find_standings(found, digests)
    earlier = _earlier_lines(found, digests)
    first: dict[str, Judged] = {}
    changes: Counter[str] = Counter()
    for record, one in zip(records, judged, strict=True):
        digest = one.digest
        if digest is None:
            continue
        if digest in earlier or digest in first:
            _note_double(found, one, first.get(digest), changes)
            one.detail = f"line {earlier[digest]}"
            continue
        first[digest] = one
        earlier[digest] = record.line
        if one.state is not RowState.REFUSED:
            one.state, refusal = decide(one.state, standings[digest], opt_out_at=one.opt_out_at)
            one.refusal = refusal or one.refusal
    for one in judged:
        changes.update(counted(one.state, one.refusal))
    add_counts(found, changes)
    return [_row(found, record, one) for record, one in zip(records, judged, strict=True)]


def _earlier_lines(found: Import, digests: set[str]) -> dict[str, int]:
    rows = db.session.execute(
        sa.select(ImportRow.address_digest, sa.func.min(ImportRow.line))
        .where(ImportRow.import_id == found.id, ImportRow.address_digest.in_(digests))
        .group_by(ImportRow.address_digest)
    )
    return {digest: line for digest, line in rows if digest is not None}


def _note_double(
    found: Import, double: Judged, first: Judged | None, changes: Counter[str]
) -> None:
    """The first row of an address counts, but an opt-out counts wherever it stands."""
    if double.state is RowState.OPTED_OUT:
        if first is not None:
            if first.state in _NOT_OUT:
                first.state, first.refusal = RowState.OPTED_OUT, Refusal.OPTED_OUT
                first.opt_out, first.opt_out_at = double.opt_out, double.opt_out_at
        else:
            _overrule(found, double, changes)
    double.state, double.refusal = RowState.REFUSED, Refusal.DUPLICATE


def _overrule(found: Import, double: Judged, changes: Counter[str]) -> None:
    rows = db.session.scalars(
        sa.select(ImportRow).where(
            ImportRow.import_id == found.id,
            ImportRow.address_digest == double.digest,
            ImportRow.state.in_(_NOT_OUT),
        )
    )
    for row in rows:
        changes[row.state.value] -= 1
        changes[RowState.OPTED_OUT.value] += 1
        row.state, row.refusal = RowState.OPTED_OUT, Refusal.OPTED_OUT
        row.opt_out, row.opt_out_at = double.opt_out, double.opt_out_at


def _row(found: Import, record: Record, one: Judged) -> dict[str, Any]:
    return {
        "import_id": found.id,
        "line": record.line,
        "state": one.state,
        "refusal": one.refusal,
        "detail": one.detail[:200],
        "address": one.given or None,
        "address_digest": one.digest,
        "first_name": one.first_name[:200],
        "last_name": one.last_name[:200],
        "language": one.language,
        "fields": one.fields if one.state is not RowState.REFUSED else {},
        "proof": one.proof if one.state is not RowState.REFUSED else {},
        "opt_out": one.opt_out,
        "opt_out_at": one.opt_out_at,
        "is_new_contact": False,
        "filled": [],
    }
