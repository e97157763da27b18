"""From the file into quarantine, slice by slice: the dry run. Nobody is mailed, counted or recorded by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.turns import Turn
from mailer.imports.csv_reader import Dialect, Record, iter_lines
from mailer.imports.dates import DateOrder
from mailer.imports.files import SealedReader
from mailer.imports.matching import decide, detail_of, match_addresses
from mailer.imports.models import Import, ImportRow
from mailer.imports.row_reader import ReadRow, RowRules, read_row
from mailer.imports.states import ImportState, Refusal, RowState

CHUNK = 500  # lines for which people are looked up and rows written at once
EMPTY = "empty"  # among the figures of an import: lines without any value, which are passed over
MOST_EMPTY = 2_000_000
_NOT_OUT = (RowState.PROVEN, RowState.UNPROVEN, RowState.KNOWN)
# Why a row may be refused whose address opted out all the same.
_OUTRANKED = (
    Refusal.VALUE,
    Refusal.DATE,
    Refusal.UNCONFIRMED,
    Refusal.ENDED,
    Refusal.RESTRICTED,
    Refusal.ASKED_BEFORE,
    Refusal.OPTED_OUT_KNOWN,
)


def read_slice(found: Import) -> None:
    """Judge the next records of the file and keep them in quarantine, for one turn; the last ends the dry run.

    Where reading goes on is written in the same transaction, so that a killed worker loses nothing and
    doubles nothing. The caller holds a lock on `found`.
    """
    turn = Turn()
    if not found.rows_read and turn.repeat(lambda: _clear(found)):
        return
    with SealedReader(found.public_id, found.sealed_key or b"", offset=found.offset) as source:
        dialect = Dialect(found.encoding, found.separator)
        lines = iter_lines(source, dialect, offset=found.offset, line=found.line)
        is_at_end = False
        while not (is_at_end or found.failure or turn.is_over):
            is_at_end = not _read_some(found, lines, turn)
    if is_at_end or found.failure:
        found.state = ImportState.CHECKED
    db.session.flush()


def _read_some(found: Import, lines: Iterator[Record], turn: Turn) -> bool:
    """Judge and keep the next lines, a statement's worth, as long as the turn lasts; False at the end."""
    rules, empty, last = rules_of(found), 0, None
    read: list[tuple[Record, ReadRow]] = []
    for last in turn.take(islice(lines, CHUNK)):
        if last.is_empty:
            empty += 1
        elif last.problem is not None:
            read.append((last, ReadRow(RowState.REFUSED, refusal=last.problem)))
        else:
            read.append((last, read_row(rules, last.cells)))
    if last is None:
        return False
    if read:
        db.session.execute(sa.insert(ImportRow), _matched_rows(found, read))
    found.offset, found.line = last.next_offset, last.next_line
    found.rows_read += len(read)
    if empty:
        add_counts(found, Counter({EMPTY: empty}))
    found.failure = _too_many(found)
    return True


def _too_many(found: Import) -> str:
    """What to do about a file with more rows than may be read; empty when it has not."""
    if found.rows_read > settings().import_rows:
        return (
            f"The file has more than {settings().import_rows:,} rows, which is the most this service "
            "takes at once. Split it into several files."
        )
    if int(found.counts.get(EMPTY, 0)) > MOST_EMPTY:
        return (
            f"The file has more than {MOST_EMPTY:,} empty rows, so it was not read to its end and nobody "
            "was brought in. Delete the empty rows in your spreadsheet, save it and upload it again."
        )
    return ""


def _clear(found: Import) -> int:
    """Remove some rows of an earlier reading; how many there were."""
    old = sa.select(ImportRow.id).where(ImportRow.import_id == found.id).limit(CHUNK)
    gone = db.session.execute(
        sa.delete(ImportRow).where(ImportRow.id.in_(old)).returning(ImportRow.id)
    )
    return len(gone.all())


def rules_of(found: Import) -> RowRules:
    """How the records of this import are read."""
    return RowRules(
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


def next_rows(found: Import, states: Sequence[RowState], limit: int) -> Sequence[ImportRow]:
    """Up to `limit` rows that stand in the first of these states in which any do."""
    for state in states:
        rows = db.session.scalars(
            sa.select(ImportRow)
            .where(ImportRow.import_id == found.id, ImportRow.state == state)
            .order_by(ImportRow.id)
            .limit(limit)
        ).all()
        if rows:
            return rows
    return ()


def counted(state: RowState, refusal: Refusal | None, count: int = 1) -> Counter[str]:
    """The figures one row (or `count` of them) adds."""
    changes = Counter({state.value: count})
    if refusal is not None and state is RowState.REFUSED:
        changes[f"refused.{refusal.value}"] += count
    return changes


def _matched_rows(found: Import, read: Sequence[tuple[Record, ReadRow]]) -> list[dict[str, Any]]:
    digests = {one.digest for _, one in read if one.digest is not None}
    matches = match_addresses(found, digests)
    earlier = _earlier_lines(found, digests)
    first: dict[str, ReadRow] = {}
    changes: Counter[str] = Counter()
    for record, one in read:
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
            one.state, refusal = decide(
                one.state, matches[digest], opt_out=one.opt_out, opt_out_at=one.opt_out_at
            )
            one.refusal = refusal or one.refusal
            one.detail = detail_of(one.refusal, one.opt_out_at) or one.detail
    for _, one in read:
        changes.update(counted(one.state, one.refusal))
    add_counts(found, changes)
    return [_row(found, record, one) for record, one in read]


def _earlier_lines(found: Import, digests: set[str]) -> dict[str, int]:
    rows = db.session.execute(
        sa.select(ImportRow.address_digest, sa.func.min(ImportRow.line))
        .where(ImportRow.import_id == found.id, ImportRow.address_digest.in_(digests))
        .group_by(ImportRow.address_digest)
    )
    return {digest: line for digest, line in rows if digest is not None}


def _note_double(
    found: Import, double: ReadRow, first: ReadRow | None, changes: Counter[str]
) -> None:
    """The first row of an address counts, but an opt-out counts wherever it stands."""
    if double.state is RowState.OPTED_OUT:
        if first is not None:
            _opt_out(first, double)
        else:
            _overrule(found, double, changes)
    double.state, double.refusal = RowState.REFUSED, Refusal.DUPLICATE


def _overrule(found: Import, double: ReadRow, changes: Counter[str]) -> None:
    rows = db.session.scalars(
        sa.select(ImportRow).where(
            ImportRow.import_id == found.id,
            ImportRow.address_digest == double.digest,
            ImportRow.refusal.is_distinct_from(Refusal.DUPLICATE),
        )
    )
    for row in rows:
        changes.subtract(counted(row.state, row.refusal))
        _opt_out(row, double)
        changes.update(counted(row.state, row.refusal))


def _opt_out(row: ReadRow | ImportRow, double: ReadRow) -> None:
    """Have the first row of an address say what a later one says: that they opted out.

    Of two opt-outs the newest counts; one without a date counts more, for it may be newer.
    """
    if row.state is RowState.OPTED_OUT:
        moments = [one for one in (row.opt_out_at, double.opt_out_at) if one is not None]
        row.opt_out_at = max(moments) if len(moments) == 2 else None
    elif row.state in _NOT_OUT or row.refusal in _OUTRANKED:
        row.state, row.refusal = RowState.OPTED_OUT, Refusal.OPTED_OUT
        row.opt_out, row.opt_out_at, row.detail = double.opt_out, double.opt_out_at, double.detail


def _row(found: Import, record: Record, one: ReadRow) -> dict[str, Any]:
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
