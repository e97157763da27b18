"""The tree in the database, as tiles of 256 hashes: appending to it, and reading hashes from it.

Nothing here walks the tree. A hash is found from at most one tile, and all that one proof needs are asked for
at once, so that a proof costs O(log n) tiles (two for each level of 256, whatever the size).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.transparency.merkle import HASH_BYTES, Frontier, Node, edge_nodes, fold, nodes_of
from mailer.transparency.models import LogTile
from mailer.transparency.tiles import HEIGHT, WIDTH, Tile, hash_in, tile_of

_FULL = WIDTH * HASH_BYTES


class TreeReader:
    """Hashes of ranges of leaves, read together; `count` says how many tiles were read."""

    def __init__(self) -> None:
        self.count = 0
        self._tiles: dict[Tile, bytes] = {}

    def list_hashes(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The hash over each range of leaves. Raises NotFound when the tree does not reach so far."""
        parts = [nodes_of(begin, end) for begin, end in ranges]
        self._read({tile_of(node)[0] for nodes in parts for node in nodes})
        return [fold([self.get_hash(node) for node in nodes]) for nodes in parts]

    def get_hash(self, node: Node) -> bytes:
        """The hash of a complete subtree. Raises NotFound."""
        tile = tile_of(node)[0]
        self._read({tile})
        return hash_in(node, self._tiles[tile])

    def _read(self, tiles: Iterable[Tile]) -> None:
        missing = sorted(set(tiles) - self._tiles.keys())
        if not missing:
            return
        self.count += len(missing)
        found = read_tiles(missing)
        for tile in missing:
            if tile not in found:
                raise NotFound(f"The tree has no tile {tile.number} at level {tile.level}.")
        self._tiles.update(found)


def root_at(size: int) -> bytes:
    """The root of the tree's first `size` leaves, from tiles. Raises NotFound when there are fewer."""
    return TreeReader().list_hashes([(0, size)])[0]


def frontier_at(size: int) -> Frontier:
    """The right edge of the tree's first `size` leaves, from tiles. Raises NotFound."""
    nodes = edge_nodes(size)
    reader = TreeReader()
    hashes = reader.list_hashes(
        [(node.place << node.level, (node.place + 1) << node.level) for node in nodes]
    )
    return Frontier(size, hashes)


def read_tiles(tiles: Sequence[Tile]) -> dict[Tile, bytes]:
    """The bytes of those of these tiles that are there."""
    query = sa.select(LogTile.level, LogTile.number, LogTile.hashes).where(
        sa.tuple_(LogTile.level, LogTile.number).in_(tiles)
    )
    return {Tile(row.level, row.number): row.hashes for row in db.session.execute(query)}


def append_hashes(size: int, hashes: Sequence[bytes]) -> None:
    """Grow the tiles of a tree of `size` leaves by the hashes of the next ones, level by level."""
    level, begin, new = 0, size, hashes
    while new:
        tiles, full = grow(level, begin, new, _stored_tail(level, begin))
        _store(tiles, begin)
        level, begin, new = level + 1, begin >> HEIGHT, full


def grow(
    level: int, begin: int, hashes: Sequence[bytes], tail: bytes
) -> tuple[Mapping[Tile, bytes], list[bytes]]:
    """The tiles of a level after `hashes` came to the `begin` that it had, and the roots of those
    that became full; `tail` are the hashes of its last tile, if that was not full.
    """
    number, width = divmod(begin, WIDTH)
    if len(tail) != width * HASH_BYTES:
        raise NotFound(f"The last tile of level {level} does not fit a tree of this size.")
    body = tail + b"".join(hashes)
    tiles, roots = {}, []
    for start in range(0, len(body), _FULL):
        part = body[start : start + _FULL]
        tiles[Tile(level, number)] = part
        if len(part) == _FULL:
            roots.append(_root_of(part))
        number += 1
    return tiles, roots


def _root_of(full: bytes) -> bytes:
    frontier = Frontier()
    for start in range(0, len(full), HASH_BYTES):
        frontier.append(full[start : start + HASH_BYTES])
    return frontier.root()


def _stored_tail(level: int, begin: int) -> bytes:
    number, width = divmod(begin, WIDTH)
    if not width:
        return b""
    tile = Tile(level, number)
    return read_tiles([tile]).get(tile, b"")


def _store(tiles: Mapping[Tile, bytes], begin: int) -> None:
    number, width = divmod(begin, WIDTH)
    rows = [
        {"level": tile.level, "number": tile.number, "hashes": body} for tile, body in tiles.items()
    ]
    if width:
        grown = rows.pop(0)
        db.session.execute(
            sa.update(LogTile)
            .where(LogTile.level == grown["level"], LogTile.number == number)
            .values(hashes=grown["hashes"])
        )
    if rows:
        db.session.execute(sa.insert(LogTile), rows)
