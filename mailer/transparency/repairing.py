"""After a backup was restored: the log gets back the leaves that were signed since (T-015).

Nothing is taken on trust. The leaves come from the keeper's own file, and only when they lead to the root that
was signed; what the database holds must be their beginning. The repair adds what is missing and changes
nothing; where the database holds other leaves than those that were signed, it says so and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from mailer.foundation import signing_keys
from mailer.foundation.clock import now
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.transparency import keys
from mailer.transparency.directory import LogDirectory, Signed
from mailer.transparency.leaves import LENGTH_BYTES, read_leaf
from mailer.transparency.merkle import Frontier, hash_leaf
from mailer.transparency.models import WaitingLeaf
from mailer.transparency.notes import read_checkpoint, read_note, verified_by
from mailer.transparency.publishing import find_latest_checkpoint
from mailer.transparency.sequencing import LOCK, append, count_entries, iter_leaves
from mailer.transparency.tree import root_at

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a repair would do: leaves in the database, leaves that were signed, and what is adopted."""

    size: int
    signed: Signed

    @property
    def missing(self) -> int:
        """How many leaves the database lacks."""
        return max(0, self.signed.size - self.size)


class Repair:
    """One repair, in steps that each want a unit of work."""

    def __init__(self, path: Path, origin: str) -> None:
        self.directory = LogDirectory(path)
        self.origin = origin
        self._leaves: Iterator[bytes] = iter(())

    def diagnose(self, tell: Tell, note: str = "") -> Diagnosis:
        """Check the keeper's files against the database, and bring `signed` up to what is known.

        `note` is a checkpoint from elsewhere. `tell` hears how many of how many leaves were read. Raises
        Invalid when the files or the database do not belong to what was signed.
        """
        signed = self._adopt(note)
        size = count_entries()
        if size < signed.size:
            self._check_entries(signed, size, tell)
            leaves = (leaf for _, leaf in self.directory.iter_entries())
            self._leaves = islice(leaves, size, signed.size)
        elif self._root_of_database(signed.size) != signed.root:
            raise Invalid(
                f"The first {signed.size} leaves of the database are not those that were signed. Its log takes "
                "no changes, so bring back a database from before the difference, and repair that."
            )
        return Diagnosis(size, signed)

    def step(self, limit: int = 1_000) -> int:
        """Put back up to `limit` leaves; returns how many."""
        serialise_on(LOCK)
        leaves = [(read_leaf(body).public_id, body) for body in islice(self._leaves, limit)]
        if not leaves:
            return 0
        append(leaves)
        ids = [public_id for public_id, _ in leaves]
        db.session.execute(sa.delete(WaitingLeaf).where(WaitingLeaf.public_id.in_(ids)))
        return len(leaves)

    def _adopt(self, note: str) -> Signed:
        """What was signed last, as far as the file, the database and `note` know."""
        newest = find_latest_checkpoint()  # first, for a keeper at work signs before it publishes
        signed = self.directory.read_signed()
        if signed is None and not note:
            raise NotAllowed(
                f"{self.directory.signed_file} is gone. Give the newest checkpoint anybody has, with "
                "--checkpoint FILE: from a receipt, a proof bundle, a witness or a monitor."
            )
        known = [one for one in (note, newest.note if newest else "") if one]
        for one in known:
            offered = self._read_signed_by_us(one)
            if signed is None or offered.size > signed.size:
                signed = offered
        if signed is None:
            raise NotAllowed("Nothing was signed yet, so there is nothing to repair.")
        if signed.entries_bytes < 0:
            signed = Signed(
                signed.size, signed.root, signed.note, signed.signed_at, self._end_at(signed)
            )
            self.directory.write_signed(signed)
        return signed

    def _read_signed_by_us(self, note: str) -> Signed:
        read = read_note(note)
        ours = [key.public for key in keys.read_keys(self.directory, self.origin)]
        verified_by(read, ours, signing_keys.is_signed_by)
        text = read_checkpoint(read.text)
        if text.origin != self.origin:
            raise Invalid(f"This checkpoint is one of {text.origin}, not of {self.origin}.")
        own = {(key.name, key.key_id) for key in ours}
        lines = [one.line() for one in read.signatures if (one.name, one.key_id) in own]
        plain = f"{read.text}\n{''.join(lines)}"
        return Signed(text.size, text.root, plain, now(), -1)

    def _end_at(self, signed: Signed) -> int:
        """Where the entries of a tree end in the file, or 0, from where they are then written anew."""
        for count, (end, _) in enumerate(self.directory.iter_entries(), start=1):
            if count == signed.size:
                return end
        if not signed.size:
            return 0
        # They may stand in the database only; then the file is written anew from there.
        stored = sum(LENGTH_BYTES + len(leaf) for leaf in iter_leaves(0, signed.size))
        if count_entries() < signed.size:
            raise Invalid(
                f"Neither {self.directory.entries_file} nor the database holds the {signed.size} leaves that "
                "were signed. Bring one of them back from its backup."
            )
        return stored

    def _check_entries(self, signed: Signed, size: int, tell: Tell) -> None:
        frontier = Frontier()
        for _, leaf in self.directory.iter_entries():
            if frontier.size == size and frontier.root() != self._root_of_database(size):
                raise Invalid(
                    f"The {size} leaves of the database are not the beginning of those that were signed. Its "
                    "log takes no changes, so bring back a database from before the difference."
                )
            if frontier.size == signed.size:
                break
            frontier.append(hash_leaf(leaf))
            if not frontier.size % 10_000:
                tell(frontier.size, signed.size)
        if frontier.size < signed.size or frontier.root() != signed.root:
            raise Invalid(
                f"{self.directory.entries_file} does not lead to the root that was signed over {signed.size} "
                "leaves. Bring it back from its backup."
            )

    def _root_of_database(self, size: int) -> bytes:
        try:
            return root_at(size)
        except NotFound:
            return b""
