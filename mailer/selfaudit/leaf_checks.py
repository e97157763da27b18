"""The log against everything it must agree with: leaves, records, tiles, checkpoints, the signer (T-022).

One pass over the leaves in slices of four tiles. The only memory is the edge of the tree, a few hashes; from
it the root at each size is made, so that every checkpoint ever stored is compared with the leaves themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from mailer.consent import ConsentRecord
from mailer.foundation import signing_keys
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid
from mailer.organisations import Organisation
from mailer.selfaudit.examined import Slice
from mailer.selfaudit.states import FindingKind, Stage
from mailer.transparency import (
    Checkpoint,
    Frontier,
    Leaf,
    LogDirectory,
    Tile,
    count_entries,
    find_latest_checkpoint,
    hash_leaf,
    list_checkpoints_between,
    list_entries,
    list_keys,
    log_origin,
    read_checkpoint,
    read_key,
    read_leaf,
    read_note,
    read_tiles,
    split_hashes,
    time_of,
    verified_by,
)

TILE = 256
SLICE = 4 * TILE
CONSENT = "consent"


def check_leaves(slice_: Slice) -> None:
    """Go through the next leaves; when there are no more, the stage is over."""
    progress = slice_.progress
    begin, size = progress["at"], progress["size"]
    end = min(begin + SLICE, size)
    rows = list_entries(begin, end)
    slice_.count = end - begin
    if [row.position for row in rows] != list(range(begin, end)):
        slice_.find(
            FindingKind.LEAF_GAP,
            f"position {begin}",
            f"Between the positions {begin} and {end} leaves are missing; roots behind cannot be computed.",
        )
        progress["edge"] = None
    leaves = [row.leaf for row in rows]
    _check_records(slice_, [(row.position, row.public_id, row.leaf) for row in rows])
    if progress["edge"] is not None:
        _check_tree(slice_, begin, leaves)
    progress["at"] = end
    if end >= size:
        _check_ends(slice_)
        slice_.stage = Stage.TILES
        progress["at"] = 1


def check_tiles(slice_: Slice) -> None:
    """Compare the tiles above the lowest with those below them, one level a slice."""
    level, size = slice_.progress["at"], slice_.progress["size"]
    count = size >> (8 * level)
    if not count:
        slice_.stage = Stage.RECORDS
        slice_.progress["at"] = 0
        return
    # The hashes of level 1 were compared with the leaves, on the way.
    for number in range(-(-count // TILE)) if level > 1 else ():
        above = split_hashes(read_tiles([Tile(level, number)]).get(Tile(level, number), b""))
        for place in range(min(TILE, count - number * TILE)):
            below = Tile(level - 1, number * TILE + place)
            root = _root_of(read_tiles([below]).get(below, b""))
            if place >= len(above) or above[place] != root:
                _find_tile(slice_, level, number)
                break
    slice_.progress["at"] = level + 1


def _check_tree(slice_: Slice, begin: int, leaves: Sequence[bytes]) -> None:
    """Tiles, checkpoints and the signer's state, as far as these leaves reach."""
    progress = slice_.progress
    hashes = [hash_leaf(leaf) for leaf in leaves]
    _check_lowest_tiles(slice_, begin, hashes)
    frontier = Frontier(begin, [bytes.fromhex(text) for text in progress["edge"]])
    keys = [read_key(key.vkey) for key in list_keys()]
    signed = progress["signed"]
    marks: dict[int, list[Checkpoint]] = {}
    for one in list_checkpoints_between(begin, begin + len(leaves)):
        marks.setdefault(one.size, []).append(one)
    for leaf_hash in hashes:
        frontier.append(leaf_hash)
        for checkpoint in marks.get(frontier.size, ()):
            _check_checkpoint(slice_, checkpoint, frontier.root(), keys)
        if signed and frontier.size == signed["size"] and frontier.root().hex() != signed["root"]:
            slice_.find(
                FindingKind.SIGNER_DIFFERS,
                f"size {frontier.size}",
                "The leaves lead to another root than the one the signer remembers.",
            )
    progress["edge"] = [one.hex() for one in frontier.hashes()]
    if signed:
        _check_entries(slice_, begin, leaves)


def _check_lowest_tiles(slice_: Slice, begin: int, hashes: Sequence[bytes]) -> None:
    numbers = range(begin // TILE, -(-(begin + len(hashes)) // TILE))
    above = {Tile(1, number // TILE) for number in numbers}
    stored = read_tiles([*(Tile(0, number) for number in numbers), *above])
    for number in numbers:
        mine = hashes[number * TILE - begin : (number + 1) * TILE - begin]
        if not stored.get(Tile(0, number), b"").startswith(b"".join(mine)):
            _find_tile(slice_, 0, number)
        if len(mine) == TILE:
            row = split_hashes(stored.get(Tile(1, number // TILE), b""))
            place = number % TILE
            if place >= len(row) or row[place] != _root_of(b"".join(mine)):
                _find_tile(slice_, 1, number // TILE)


def _check_checkpoint(
    slice_: Slice, checkpoint: Checkpoint, root: bytes, keys: Sequence[Any]
) -> None:
    place = f"checkpoint {checkpoint.id}"
    try:
        note = read_note(checkpoint.note)
        text = read_checkpoint(note.text)
        verified_by(note, keys, signing_keys.is_signed_by)
    except Invalid as error:
        slice_.find(FindingKind.CHECKPOINT_UNSIGNED, place, str(error))
        return
    said = (text.origin, text.size, text.root)
    if checkpoint.root != root or said != (log_origin(), checkpoint.size, root):
        slice_.find(
            FindingKind.CHECKPOINT_DIFFERS,
            place,
            f"The first {checkpoint.size} leaves lead to another root than the one that was signed.",
        )


def _check_entries(slice_: Slice, begin: int, leaves: Sequence[bytes]) -> None:
    """The keeper's own file of leaves, beside those of the database."""
    progress = slice_.progress
    wanted = leaves[: max(0, progress["signed"]["size"] - begin)]
    directory = LogDirectory(settings().log_directory)
    try:
        kept = list(islice(directory.iter_entries(progress["entries_at"]), len(wanted)))
    except OSError as error:
        slice_.find(FindingKind.ENTRIES_DIFFER, f"position {begin}", str(error))
        progress["signed"] = None
        return
    if [leaf for _, leaf in kept] != wanted:
        slice_.find(
            FindingKind.ENTRIES_DIFFER,
            f"position {begin}",
            f"The log keeper's file of entries holds other leaves from position {begin} on.",
        )
        progress["signed"] = None
    elif kept:
        progress["entries_at"] = kept[-1][0]


def _check_records(slice_: Slice, rows: Sequence[tuple[int, str, bytes]]) -> None:
    """Each leaf of a consent record, made again from that record."""
    parsed: list[tuple[int, Leaf]] = []
    for position, public_id, body in rows:
        place = f"position {position}"
        try:
            leaf = read_leaf(body)
        except Invalid as error:
            slice_.find(FindingKind.LEAF_MALFORMED, place, str(error))
            continue
        if leaf.public_id != public_id:
            slice_.find(FindingKind.LEAF_DIFFERS, place, f"The leaf is not that of {public_id}.")
        parsed.append((position, leaf))
    wanted = [leaf.public_id for _, leaf in parsed if leaf.kind == CONSENT]
    records = _records_of(wanted)
    for position, leaf in parsed:
        if leaf.kind != CONSENT:
            continue
        record = records.get(leaf.public_id)
        if record is None:
            slice_.find(
                FindingKind.RECORD_MISSING,
                f"position {position}",
                f"The record {leaf.public_id} of this leaf is not in the database.",
            )
        elif _leaf_of(record) != leaf:
            slice_.find(
                FindingKind.LEAF_DIFFERS,
                leaf.public_id,
                f"The record differs from its leaf at position {position}.",
                record.organisation_id,
            )


def _records_of(public_ids: Sequence[str]) -> Mapping[str, sa.Row[*tuple[Any, ...]]]:
    rows = db.session.execute(
        sa.select(
            ConsentRecord.public_id,
            ConsentRecord.organisation_id,
            ConsentRecord.algorithm,
            ConsentRecord.commitment,
            ConsentRecord.recorded_at,
            Organisation.log_pseudonym,
        )
        .join(Organisation, Organisation.id == ConsentRecord.organisation_id)
        .where(ConsentRecord.public_id.in_(public_ids))
    )
    return {row.public_id: row for row in rows}


def _leaf_of(record: sa.Row[*tuple[Any, ...]]) -> Leaf:
    return Leaf(
        kind=CONSENT,
        organisation=record.log_pseudonym,
        public_id=record.public_id,
        time=time_of(record.recorded_at),
        algorithm=record.algorithm,
        commitment=record.commitment,
    )


def _check_ends(slice_: Slice) -> None:
    """Nothing signed reaches beyond the leaves there are."""
    newest, size = find_latest_checkpoint(), count_entries()
    if newest is not None and newest.size > size:
        slice_.find(
            FindingKind.CHECKPOINT_BEYOND,
            f"checkpoint {newest.id}",
            f"A checkpoint covers {newest.size} leaves, but there are only {size}.",
        )
    signed = slice_.progress["signed"]
    if signed and signed["size"] > size:
        slice_.find(
            FindingKind.SIGNER_DIFFERS,
            f"size {signed['size']}",
            f"The signer remembers a tree of {signed['size']} leaves, but there are only {size}.",
        )


def _find_tile(slice_: Slice, level: int, number: int) -> None:
    slice_.find(
        FindingKind.TILE_DIFFERS,
        f"tile {level}/{number}",
        "The tile's hashes are not those of the leaves below it.",
    )


def _root_of(hashes: bytes) -> bytes:
    frontier = Frontier()
    for one in split_hashes(hashes):
        frontier.append(one)
    return frontier.root()
