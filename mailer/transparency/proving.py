"""Proofs from tiles: that a leaf is in a tree, and that one tree begins with another (T-010).

Each reads O(log n) tiles, in one query.
"""

from __future__ import annotations

import base64

from mailer.foundation.errors import Invalid, NotFound
from mailer.transparency.merkle import consistency_ranges, inclusion_ranges
from mailer.transparency.publishing import Checkpoint, published_note
from mailer.transparency.tree import TreeReader

PROOF_HEADER = "c2sp.org/tlog-proof@v1"


def inclusion_proof(position: int, size: int, reader: TreeReader | None = None) -> list[bytes]:
    """The hashes from the leaf's sibling up to below the root of the tree of `size` (RFC 6962 2.1.1).

    Raises Invalid when a tree of that size has no such leaf, NotFound when the log is smaller.
    """
    return (reader or TreeReader()).list_hashes(inclusion_ranges(position, size))


def consistency_proof(old: int, new: int, reader: TreeReader | None = None) -> list[bytes]:
    """The hashes that show that the tree of `new` leaves begins with that of `old` (RFC 6962 2.1.2).

    Empty from 0 or between equal sizes. Raises Invalid when `old` is larger, NotFound when the log is smaller.
    """
    if not 0 <= old <= new:
        raise Invalid(f"There is no consistency proof from {old} to {new} leaves.")
    if old in (0, new):
        return []
    return (reader or TreeReader()).list_hashes(consistency_ranges(old, new))


def format_tlog_proof(position: int, checkpoint: Checkpoint) -> str:
    """A C2SP tlog-proof: that the leaf at `position` is in the tree of `checkpoint`, with that (T-040).

    Raises NotFound when the checkpoint is older than the leaf.
    """
    if position >= checkpoint.size:
        raise NotFound("This checkpoint is older than the leaf.")
    hashes = inclusion_proof(position, checkpoint.size)
    lines = [PROOF_HEADER, f"index {position}", *(base64.b64encode(h).decode() for h in hashes)]
    return "\n".join(lines) + "\n\n" + published_note(checkpoint)
