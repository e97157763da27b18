"""Merkle hashing by RFC 6962 with SHA-256: leaves, nodes, roots, proofs and their verification. Pure (T-010).

A tree is never held in memory. What is needed of it is named by ranges of leaves, and a range falls apart
into complete subtrees, each a `Node`: level 0 are the leaves' hashes, a node of level L covers 2**L leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mailer.foundation.errors import Invalid

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """A complete subtree: the `place`-th at its `level`."""

    level: int
    place: int


def hash_leaf(leaf: bytes) -> bytes:
    """H(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """H(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: one hash for each complete subtree, O(log n) in all.

    Whatever is appended to it, its root is consistent with the root it had before.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """The edge of a tree of `size` leaves; `hashes` belong to `edge_nodes(size)`."""
        self.size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count():
            raise Invalid(f"A tree of {size} leaves has {size.bit_count()} hashes at its edge.")

    def append(self, leaf_hash: bytes) -> None:
        """Add the hash of the next leaf."""
        carried, rest = leaf_hash, self.size
        while rest & 1:
            carried = hash_children(self._hashes.pop(), carried)
            rest >>= 1
        self._hashes.append(carried)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        return fold(self._hashes)

    def hashes(self) -> list[bytes]:
        """The hashes of `edge_nodes(size)`, with which the edge can be taken up again."""
        return list(self._hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over subtrees that lie side by side, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = hash_children(left, folded)
    return folded


def edge_nodes(size: int) -> list[Node]:
    """The complete subtrees of a tree of `size` leaves, the largest first."""
    return nodes_of(0, size)


def nodes_of(begin: int, end: int) -> list[Node]:
    """The complete subtrees that make up the leaves from `begin` to `end`, from left to right."""
    nodes = []
    while begin < end:
        fitting = (end - begin).bit_length() - 1
        aligned = (begin & -begin).bit_length() - 1 if begin else fitting
        level = min(fitting, aligned)
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_ranges(position: int, size: int) -> list[tuple[int, int]]:
    """The leaves under each hash of the inclusion proof of `position`, from the leaf up (2.1.1).

    Raises Invalid when a tree of `size` has no such leaf.
    """
    if not 0 <= position < size:
        raise Invalid(f"A tree of {size} leaves has no leaf {position}.")
    ranges, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if position < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The leaves under each hash of the consistency proof between two sizes (2.1.2).

    Raises Invalid unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise Invalid(f"There is no consistency proof from {old} to {new} leaves.")
    ranges, begin, end = [], 0, new
    is_old_tree = True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin, is_old_tree = middle, False
    if not is_old_tree:
        ranges.append((begin, end))
    return ranges[::-1]


def root_from_inclusion(
    position: int, size: int, leaf_hash: bytes, proof: Sequence[bytes]
) -> bytes:
    """The root that an inclusion proof leads to. Raises Invalid when it has the wrong length."""
    ranges = inclusion_ranges(position, size)
    if len(ranges) != len(proof):
        raise Invalid("The inclusion proof has the wrong length.")
    found = leaf_hash
    for (begin, _), sibling in zip(ranges, proof, strict=True):
        is_right = begin > position
        found = hash_children(found, sibling) if is_right else hash_children(sibling, found)
    return found


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree `new` (size, root) begins with the tree `old`."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size > new_size:
        return False
    if old_size == new_size or not old_size:
        return not proof and (old_root == new_root if old_size else old_root == EMPTY_ROOT)
    try:
        ranges = consistency_ranges(old_size, new_size)
    except Invalid:
        return False
    given = list(proof)
    if old_size.bit_count() == 1:  # a complete old tree is its own first hash, and is left out
        ranges.insert(0, (0, old_size))
        given.insert(0, old_root)
    if len(given) != len(ranges):
        return False
    was, became = given[0], given[0]
    reached_begin = ranges[0][0]
    for (begin, _), sibling in zip(ranges[1:], given[1:], strict=True):
        if begin < reached_begin:
            was, became = hash_children(sibling, was), hash_children(sibling, became)
            reached_begin = begin
        else:
            became = hash_children(became, sibling)
    return (was, became) == (old_root, new_root)


def range_hash(begin: int, end: int, read: Callable[[Node], bytes]) -> bytes:
    """The hash over the leaves from `begin` to `end`, whose complete subtrees `read` gives."""
    return fold([read(node) for node in nodes_of(begin, end)])


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)
