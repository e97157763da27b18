"""Where a hash of the tree lies among C2SP tlog-tiles of height 8, and how tiles are named. Pure (T-018)."""

from __future__ import annotations

import re
from typing import NamedTuple

from mailer.foundation.errors import NotFound
from mailer.transparency.merkle import HASH_BYTES, Node, hash_children

HEIGHT = 8
WIDTH = 1 << HEIGHT
LEAF_LIMIT = 65_535  # entry bundles prefix each leaf with its length as uint16
_MOST_LEVELS = 8  # 2**64 leaves

_PATH = re.compile(r"((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(NamedTuple):
    """Up to 256 hashes side by side: the `number`-th at its `level`."""

    level: int
    number: int


class Wanted(NamedTuple):
    """A tile as asked for over HTTP: which, and its first `width` hashes or entries."""

    number: int
    width: int


def tile_of(node: Node) -> tuple[Tile, int, int]:
    """The tile that holds a node, and from which to which of its hashes the node is made."""
    level, above = divmod(node.level, HEIGHT)
    first = node.place << above
    number, start = divmod(first, WIDTH)
    return Tile(level, number), start, start + (1 << above)


def hash_in(node: Node, hashes: bytes) -> bytes:
    """The hash of `node`, from the bytes of its tile. Raises NotFound when they end before it."""
    _, start, end = tile_of(node)
    if len(hashes) < end * HASH_BYTES:
        raise NotFound(f"The tile ends before the subtree {node.place} of level {node.level}.")
    row = split_hashes(hashes[start * HASH_BYTES : end * HASH_BYTES])
    while len(row) > 1:
        row = [hash_children(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def split_hashes(hashes: bytes) -> list[bytes]:
    """The single hashes of a tile."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def width_at(level: int, number: int, size: int) -> int:
    """How many hashes the tile has in a tree of `size` leaves; 0 when it is not there."""
    there = (size >> (HEIGHT * level)) - number * WIDTH
    return max(0, min(WIDTH, there))


def tiles_at(size: int) -> list[tuple[Tile, int]]:
    """All right-most tiles of a tree of `size` leaves with their widths; the lowest level first."""
    found = []
    for level in range(_MOST_LEVELS):
        count = size >> (HEIGHT * level)
        if not count:
            break
        number = (count - 1) // WIDTH
        found.append((Tile(level, number), width_at(level, number, size)))
    return found


def name_of(number: int, width: int = WIDTH) -> str:
    """The path of a tile below its level, such as `x001/x234/067` or `000.p/17`."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def read_name(path: str) -> Wanted:
    """The opposite of `name_of`. Raises NotFound for anything that is not exactly such a name."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotFound("This is not the name of a tile.")
    number = int(match[1].replace("x", "").replace("/", "") + match[2])
    width = int(match[3]) if match[3] else WIDTH
    if name_of(number, width) != path or (match[3] and width >= WIDTH):
        raise NotFound("This is not the name of a tile.")
    return Wanted(number, width)


def read_level(text: str) -> int:
    """A level from 0 to 63 without leading zeroes. Raises NotFound."""
    if not re.fullmatch(r"0|[1-9][0-9]?", text) or int(text) > 63:
        raise NotFound("This is not the level of a tile.")
    return int(text)
