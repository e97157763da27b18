"""What the log shows to everybody: checkpoints, tiles and entry bundles, as tlog-tiles asks (T-018).

Tiles and bundles are shown only as far as a checkpoint reaches: what is shown is cached for good, and what
is not signed yet may still change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.transparency.leaves import pack
from mailer.transparency.merkle import HASH_BYTES
from mailer.transparency.models import LogCheckpoint, LogCosignature
from mailer.transparency.sequencing import list_leaves
from mailer.transparency.tiles import WIDTH, Tile, Wanted, width_at
from mailer.transparency.tree import read_tiles


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed root. `note` has the log's own signatures; `published_note` adds those of witnesses."""

    id: int
    size: int
    root: bytes
    note: str
    signed_at: datetime


def find_latest_checkpoint() -> Checkpoint | None:
    """The newest checkpoint, or None when nothing was signed yet."""
    found = db.session.scalar(
        sa.select(LogCheckpoint)
        .order_by(LogCheckpoint.size.desc(), LogCheckpoint.id.desc())
        .limit(1)
    )
    return None if found is None else _as_checkpoint(found)


def get_checkpoint(checkpoint_id: int) -> Checkpoint:
    """The checkpoint with this row id. Raises NotFound."""
    found = db.session.get(LogCheckpoint, checkpoint_id)
    if found is None:
        raise NotFound("There is no such checkpoint.")
    return _as_checkpoint(found)


def find_checkpoint_over(position: int) -> Checkpoint | None:
    """The first checkpoint whose tree holds the leaf at `position`."""
    found = db.session.scalar(
        sa.select(LogCheckpoint)
        .where(LogCheckpoint.size > position)
        .order_by(LogCheckpoint.size, LogCheckpoint.id)
        .limit(1)
    )
    return None if found is None else _as_checkpoint(found)


def list_checkpoints_after(checkpoint_id: int, limit: int = 100) -> list[Checkpoint]:
    """The checkpoints that came after the one with this row id (0: from the first), oldest first."""
    query = sa.select(LogCheckpoint).where(LogCheckpoint.id > checkpoint_id)
    return [
        _as_checkpoint(row)
        for row in db.session.scalars(query.order_by(LogCheckpoint.id).limit(limit))
    ]


def list_checkpoints_between(after: int, through: int) -> list[Checkpoint]:
    """The checkpoints over more than `after` and at most `through` leaves, the smallest first."""
    query = sa.select(LogCheckpoint).where(
        LogCheckpoint.size > after, LogCheckpoint.size <= through
    )
    return [
        _as_checkpoint(row)
        for row in db.session.scalars(query.order_by(LogCheckpoint.size, LogCheckpoint.id))
    ]


def count_checkpoints() -> int:
    """How many checkpoints were signed."""
    return db.session.scalar(sa.select(sa.func.count(LogCheckpoint.id))) or 0


def published_note(checkpoint: Checkpoint) -> str:
    """The signed note as everybody gets it: with the lines of the witnesses that have cosigned."""
    lines = db.session.scalars(
        sa.select(LogCosignature.line)
        .where(LogCosignature.checkpoint_id == checkpoint.id)
        .order_by(LogCosignature.id)
    )
    return checkpoint.note + "".join(line.rstrip("\n") + "\n" for line in lines)


def read_tile(level: int, wanted: Wanted) -> bytes:
    """The hashes of a tile as published. Raises NotFound beyond the newest checkpoint."""
    _require(level, wanted)
    tile = Tile(level, wanted.number)
    body = read_tiles([tile]).get(tile, b"")
    length = wanted.width * HASH_BYTES
    if len(body) < length:
        raise NotFound("This tile is not there.")
    return body[:length]


def read_bundle(wanted: Wanted) -> bytes:
    """The leaves below a tile of level 0, as an entry bundle. Raises NotFound like `read_tile`."""
    _require(0, wanted)
    begin = wanted.number * WIDTH
    leaves = list_leaves(begin, begin + wanted.width)
    if len(leaves) != wanted.width:
        raise NotFound("These leaves are not there.")
    return pack(leaves)


def _require(level: int, wanted: Wanted) -> None:
    newest = find_latest_checkpoint()
    there = width_at(level, wanted.number, newest.size if newest else 0)
    if not 0 < wanted.width <= there:
        raise NotFound("No checkpoint reaches so far.")


def _as_checkpoint(row: LogCheckpoint) -> Checkpoint:
    return Checkpoint(row.id, row.size, row.root, row.note, row.signed_at)
