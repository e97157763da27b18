"""Leaves get in line, and get their positions: contiguous from 0, by one sequencer at a time (T-011).

A leaf waits in `log_queue`, written in the transaction of what it stands for. The sequencer takes rows, not
ranges of row ids: on PostgreSQL a transaction may commit after one with a larger id, and its leaf is then
simply taken later. Positions, tiles and the end of the waiting rows are one transaction; only one such
transaction runs at a time (`serialise_on`), the key of `log_entries` refuses a position given twice, and a
trigger refuses a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from mailer.foundation import driver
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import NotAllowed, NotFound
from mailer.organisations import Organisation
from mailer.transparency.leaves import Leaf, time_of
from mailer.transparency.merkle import hash_leaf
from mailer.transparency.models import LogEntry, WaitingLeaf
from mailer.transparency.tree import append_hashes

LOCK = "transparency.log"
# In the driver's words: while leaves get their positions, SQLite lets nobody sign up.
_WAITING: Final = (
    "SELECT w.id, w.kind, w.public_id, w.algorithm, w.commitment, w.happened_at, o.log_pseudonym"
    " FROM log_queue w LEFT JOIN organisations o ON o.id = w.organisation_id ORDER BY w.id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf where it stands."""

    position: int
    public_id: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many leaves wait for a position, and since when."""

    count: int
    oldest_at: datetime | None


def queue_leaf(
    organisation: Organisation | None,
    *,
    kind: str,
    public_id: str,
    algorithm: str,
    commitment: bytes,
    happened_at: datetime,
) -> None:
    """Have a leaf of the type `kind` logged, if the running unit of work is committed (T-011).

    Consent records need no call: the database itself queues a leaf for each. Raises NotAllowed when a leaf
    under this id waits or stands in the log.
    """
    if is_logged(public_id):
        raise NotAllowed(f"A leaf is logged once; {public_id} has one already.")
    db.session.add(
        WaitingLeaf(
            kind=kind,
            public_id=public_id,
            organisation_id=organisation.id if organisation else None,
            algorithm=algorithm,
            commitment=commitment,
            happened_at=happened_at,
        )
    )
    db.session.flush()


def sequence(limit: int = 1_000) -> int:
    """Give up to `limit` waiting leaves their positions; returns how many got one."""
    serialise_on(LOCK)
    rows = driver.read_rows(_WAITING, (limit,))
    if not rows:
        return 0
    append([(row[2], _leaf(row).to_bytes()) for row in rows])
    driver.execute_each("DELETE FROM log_queue WHERE id = ?", [row[:1] for row in rows])
    return len(rows)


def _leaf(row: driver.Row) -> Leaf:
    _, kind, public_id, algorithm, commitment, happened_at, pseudonym = row
    time = time_of(driver.moment_out(happened_at))
    return Leaf(kind, pseudonym or "", public_id, time, algorithm, commitment)


def append(leaves: Sequence[tuple[str, bytes]]) -> int:
    """Put leaves, each with its public id, at the end of the log; returns the log's size then."""
    size = count_entries()
    driver.execute_each(
        "INSERT INTO log_entries (position, public_id, leaf) VALUES (?, ?, ?)",
        [(position, *leaf) for position, leaf in enumerate(leaves, start=size)],
    )
    append_hashes(size, [hash_leaf(leaf) for _, leaf in leaves])
    return size + len(leaves)


def count_entries() -> int:
    """How many leaves have a position."""
    last = db.session.scalar(sa.select(sa.func.max(LogEntry.position)))
    return 0 if last is None else last + 1


def count_waiting() -> Waiting:
    """The leaves without a position."""
    row = db.session.execute(
        sa.select(sa.func.count(WaitingLeaf.id), sa.func.min(WaitingLeaf.happened_at))
    ).one()
    return Waiting(row[0], row[1])


def has_waiting() -> bool:
    """Whether any leaf waits for a position."""
    return db.session.scalar(sa.select(WaitingLeaf.id).limit(1)) is not None


def find_position(public_id: str) -> int | None:
    """Where the leaf of this record stands in the log; None while it waits, or when there is none."""
    return db.session.scalar(sa.select(LogEntry.position).where(LogEntry.public_id == public_id))


def is_logged(public_id: str) -> bool:
    """Whether a leaf under this id stands in the log, or waits for its position."""
    waiting = db.session.scalar(sa.select(WaitingLeaf.id).where(WaitingLeaf.public_id == public_id))
    return waiting is not None or find_position(public_id) is not None


def get_leaf(position: int) -> bytes:
    """The leaf at a position. Raises NotFound."""
    leaf = db.session.scalar(sa.select(LogEntry.leaf).where(LogEntry.position == position))
    if leaf is None:
        raise NotFound(f"The log has no leaf {position}.")
    return leaf


def list_leaves(begin: int, end: int) -> list[bytes]:
    """The leaves at the positions from `begin` up to, and without, `end`, as far as there are any."""
    return list(
        db.session.scalars(
            sa.select(LogEntry.leaf)
            .where(LogEntry.position >= begin, LogEntry.position < end)
            .order_by(LogEntry.position)
        )
    )


def list_entries(begin: int, end: int) -> list[Entry]:
    """Like `list_leaves`, with the position and the id that the database has beside each leaf."""
    rows = db.session.execute(
        sa.select(LogEntry.position, LogEntry.public_id, LogEntry.leaf)
        .where(LogEntry.position >= begin, LogEntry.position < end)
        .order_by(LogEntry.position)
    )
    return [Entry(*row) for row in rows]


def list_unlogged(public_ids: Collection[str]) -> list[str]:
    """Those of these ids that have no leaf, neither in the log nor waiting."""
    known = sa.union_all(
        sa.select(LogEntry.public_id).where(LogEntry.public_id.in_(public_ids)),
        sa.select(WaitingLeaf.public_id).where(WaitingLeaf.public_id.in_(public_ids)),
    )
    found = set(db.session.scalars(known))
    return [one for one in public_ids if one not in found]


def iter_leaves(begin: int, end: int, *, slice_size: int = 1_000) -> Iterator[bytes]:
    """The leaves from `begin` up to, and without, `end`, one after another, in flat memory."""
    for start in range(begin, end, slice_size):
        yield from list_leaves(start, min(start + slice_size, end))
