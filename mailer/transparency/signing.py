"""Signing checkpoints, with a memory outside the database (T-015, T-046).

The signer never believes the database about the past. It takes up the tree at the size it signed last, checks
that the tiles lead to the root it signed then, appends the new leaves to that edge itself, and signs the root
that comes out; so whatever it signs is consistent with everything it signed before.

The order of writes, and what a crash after each leaves behind:

1. `sequence`: positions, tiles and the end of the waiting rows, in one transaction. After it: leaves that are
   not signed; the next turn goes on with 2.
2. `entries`: the new leaves behind those of the last signature, on the disk. After it: a tail that nothing
   counts on; the next turn writes it again from the database.
3. `signed`: size, root and the note itself, by rename, on the disk. After it: a note that nobody has seen;
   the next turn puts it into the database as it is.
4. `log_checkpoints`: from here on the note is published.

So a note is remembered before it is seen, and `entries` holds every leaf under it, for the day when the
database comes back from a backup (see `repairing.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed, NotFound
from mailer.transparency import keys
from mailer.transparency.directory import LogDirectory, Signed
from mailer.transparency.merkle import Frontier, hash_leaf
from mailer.transparency.models import LogCheckpoint
from mailer.transparency.notes import CheckpointText, Note, VerifierKey, read_note
from mailer.transparency.publishing import Checkpoint, find_latest_checkpoint
from mailer.transparency.sequencing import count_entries, list_leaves
from mailer.transparency.tree import frontier_at, root_at

SLICE = 1_000
REPAIR = "Then run: python -m mailer log repair"


class SigningRefused(NotAllowed):
    """The database contradicts what was signed; nothing is sequenced or signed until it is repaired."""


def _take_no_notice(_step: str) -> None:
    """What the signer does at each step unless somebody wants to know."""


class Signer:
    """The one signer of a log. `on_step` is told which write has just been done."""

    def __init__(
        self, path: Path, origin: str, on_step: Callable[[str], None] = _take_no_notice
    ) -> None:
        """Take the directory. Raises NotAllowed when another keeper has it, Invalid when it is damaged."""
        self.directory = LogDirectory(path)
        self.origin = origin
        self._on_step = on_step
        self.directory.take()

    def close(self) -> None:
        """Let another signer in."""
        self.directory.release()

    def list_keys(self) -> list[VerifierKey]:
        """The public keys that sign now."""
        return [key.public for key in keys.read_keys(self.directory, self.origin)]

    def begin(self) -> None:
        """Make the key of a log that has signed nothing yet. Raises SigningRefused when it is lost."""
        if self.directory.key_file.exists():
            return
        signed = self.directory.read_signed()
        if find_latest_checkpoint() is not None or (signed is not None and signed.note):
            raise SigningRefused(
                f"Checkpoints were signed with a key that is not in {self.directory.path}. Bring back that "
                "directory from its backup."
            )
        # A key without this file beside it is never used, so this file comes first.
        self.directory.start(now())
        keys.create_first_key(self.directory, self.origin)

    def check(self) -> tuple[Signed, Frontier]:
        """What was signed last, and the edge of the tree there. Raises SigningRefused."""
        signed = self.directory.read_signed()
        if signed is None:
            raise SigningRefused(
                f"{self.directory.signed_file} is gone, and with it the memory of what was signed. Bring it "
                "back from its backup, or give the newest checkpoint anybody has: "
                "python -m mailer log repair --checkpoint FILE"
            )
        size = count_entries()
        if size < signed.size:
            raise SigningRefused(
                f"The database holds {size} leaves, but a tree of {signed.size} was signed: it is older than "
                f"the log. Stop signing up, if you can, until it is whole. {REPAIR}"
            )
        frontier = self._edge_at(signed.size)
        if frontier is None or frontier.root() != signed.root:
            raise SigningRefused(
                f"The first {signed.size} leaves of the database lead to another root than the one that was "
                "signed. Bring back a database that holds the leaves of the log, of whatever age. "
                + REPAIR
            )
        newest = find_latest_checkpoint()
        if newest is not None and newest.size > signed.size:
            raise SigningRefused(
                f"A checkpoint over {newest.size} leaves is published, but {self.directory.signed_file} knows "
                f"only of {signed.size}: it is older than the log. {REPAIR}"
            )
        return signed, frontier

    def is_behind(self, signed: Signed) -> bool:
        """Whether there is something to sign: new leaves, or other keys than those that signed."""
        return count_entries() > signed.size or not self._is_signed_by_all(signed)

    def sign(self) -> Signed | None:
        """Sign the tree as it stands, remembered on the disk; None when there is nothing new.

        Reads only, so it wants no unit of work. Raises SigningRefused.
        """
        signed, frontier = self.check()
        if not self.is_behind(signed):
            return None
        size = count_entries()
        end = self._keep_entries(signed, frontier, size)
        if root_at(size) != frontier.root():
            raise SigningRefused(
                f"The tiles of the database do not fit its leaves below {size}. Bring back a database that "
                f"holds the leaves of the log. {REPAIR}"
            )
        text = str(CheckpointText(self.origin, size, frontier.root()))
        signatures = tuple(key.sign(text) for key in keys.read_keys(self.directory, self.origin))
        fresh = Signed(size, frontier.root(), str(Note(text, signatures)), now(), end)
        self.directory.write_signed(fresh)
        self._on_step("signed")
        return fresh

    def _edge_at(self, size: int) -> Frontier | None:
        try:
            return frontier_at(size)
        except NotFound:
            return None

    def _keep_entries(self, signed: Signed, frontier: Frontier, size: int) -> int:
        """Write the leaves from `signed` to `size` behind the entries and to the edge of the tree."""
        end = self._end_of_entries(signed)
        for begin in range(signed.size, size, SLICE):
            leaves = list_leaves(begin, min(begin + SLICE, size))
            end = self.directory.append_entries(end, leaves)
            self._on_step("appending")
            for leaf in leaves:
                frontier.append(hash_leaf(leaf))
        if frontier.size != size:
            raise SigningRefused(f"Of the {size} leaves of the database some are missing. {REPAIR}")
        self.directory.sync_entries()
        self._on_step("entries")
        return end

    def _end_of_entries(self, signed: Signed) -> int:
        """Where the signed leaves end in the file; leaves that got lost there are written again."""
        length = self.directory.entries_length()
        if length > signed.entries_bytes:
            if not self._is_known_tail(signed):
                self.directory.set_aside(signed.entries_bytes, now())
            self.directory.append_entries(signed.entries_bytes, [])
        if length >= signed.entries_bytes:
            return signed.entries_bytes
        end, frontier = 0, Frontier()
        for ending, leaf in self.directory.iter_entries():
            end = ending
            frontier.append(hash_leaf(leaf))
        while frontier.size < signed.size:
            leaves = list_leaves(frontier.size, min(frontier.size + SLICE, signed.size))
            end = self.directory.append_entries(end, leaves)
            for leaf in leaves:
                frontier.append(hash_leaf(leaf))
        if frontier.root() != signed.root:
            raise SigningRefused(
                f"{self.directory.entries_file} is damaged: its leaves do not lead to the root that was "
                "signed. Move it away; it is then written anew from the database."
            )
        return end

    def _is_known_tail(self, signed: Signed) -> bool:
        """Whether what a crash left behind the signed entries stands in the database as well."""
        position = signed.size
        for ending, leaf in self.directory.iter_entries():
            if ending <= signed.entries_bytes:
                continue
            if list_leaves(position, position + 1) != [leaf]:
                return False
            position += 1
        return True

    def _is_signed_by_all(self, signed: Signed) -> bool:
        if not signed.note:
            return True
        signers = {signature.key_id for signature in read_note(signed.note).signatures}
        return signers == {key.key_id for key in self.list_keys()}


def store_checkpoint(signed: Signed) -> Checkpoint | None:
    """Publish what was signed; None when it is published, or nothing was signed yet."""
    if not signed.note:
        return None
    known = db.session.scalar(
        sa.select(LogCheckpoint.id).where(
            LogCheckpoint.size == signed.size, LogCheckpoint.note == signed.note
        )
    )
    if known is not None:
        return None
    row = LogCheckpoint(
        size=signed.size, root=signed.root, note=signed.note, signed_at=signed.signed_at
    )
    db.session.add(row)
    db.session.flush()
    return Checkpoint(row.id, row.size, row.root, row.note, row.signed_at)
