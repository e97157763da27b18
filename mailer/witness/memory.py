"""What the witness has seen: for each log the newest checkpoint it cosigned, one file each.

The file is written and on the disk before a cosignature leaves. A file that cannot be read stops the start:
a witness that forgot would cosign a log that was rewritten.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

from mailer.foundation.errors import MailerError
from mailer.witness.checkpoints import Checkpoint, Malformed, read_checkpoint
from mailer.witness.files import write_durably

MOST_FORKS = 100


class MemoryUnusable(MailerError):
    """The directory cannot be trusted, or another witness uses it."""


class Memory:
    """The newest checkpoint of each log. Hold your own lock around `find` and `remember`."""

    def __init__(self, directory: Path) -> None:
        """Open `directory`, which is made when there is none. Raises MemoryUnusable."""
        try:
            for path in (directory, directory / "logs", directory / "forks"):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise MemoryUnusable(f"{directory} cannot be used: {error}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise MemoryUnusable(f"Another witness already uses {directory}.") from None
        self._directory = directory
        self._newest = self._read_all()

    def find(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint cosigned for this log."""
        return self._newest.get(origin)

    def remember(self, checkpoint: Checkpoint, note: str) -> None:
        """Keep `checkpoint` as the newest; on the disk when this returns. Raises OSError."""
        write_durably(self._path("logs", checkpoint.origin), note.encode())
        self._newest[checkpoint.origin] = checkpoint

    def keep_fork(self, checkpoint: Checkpoint, note: str) -> None:
        """Keep what proves, beside the newest checkpoint, that the log signed two histories."""
        name = f"{_digest(checkpoint.origin)}-{checkpoint.size}-{checkpoint.root.hex()[:16]}"
        path = self._directory / "forks" / name
        if not path.exists() and len(list(path.parent.iterdir())) < MOST_FORKS:
            write_durably(path, note.encode())

    def close(self) -> None:
        """Let another process have the directory."""
        os.close(self._lock)

    def _path(self, kind: str, origin: str) -> Path:
        return self._directory / kind / _digest(origin)

    def _read_all(self) -> dict[str, Checkpoint]:
        found = {}
        for path in sorted((self._directory / "logs").iterdir()):
            if path.name.startswith("."):
                continue  # half written when the machine stopped; the one before it stands
            try:
                checkpoint = read_checkpoint(path.read_bytes().decode())
            except (OSError, UnicodeDecodeError, Malformed) as error:
                raise MemoryUnusable(
                    f"{path} cannot be read ({error}). Put it back from a copy of this moment; "
                    "without it this witness would cosign a rewritten log."
                ) from None
            if path.name != _digest(checkpoint.origin):
                raise MemoryUnusable(f"{path} is about another log than its name says.")
            found[checkpoint.origin] = checkpoint
        return found


def _digest(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()
