"""Whether one tree grew out of another: RFC 6962 consistency proofs, verified by RFC 9162 2.1.4.2; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def grew(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `size` begins with the whole tree of `old_size`.

    From an empty tree everything grows, and the proof must be empty; so it must for a tree of one size.
    """
    if old_size > size or (size == 0 and root != EMPTY_ROOT):
        return False
    if old_size == 0:
        return not proof
    if old_size == size:
        return not proof and old_root == root
    return bool(proof) and _leads_to_both(old_size, old_root, size, root, proof)


def _leads_to_both(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = _node(step, old), _node(step, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
