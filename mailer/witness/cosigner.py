"""The `add-checkpoint` call of C2SP tlog-witness: bytes in, status and bytes out, whatever is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock

from mailer.foundation.errors import MailerError
from mailer.witness.checkpoints import (
    Checkpoint,
    Malformed,
    read_base64,
    read_checkpoint,
    read_size,
)
from mailer.witness.growth import grew
from mailer.witness.keys import LogKey, WitnessKey
from mailer.witness.memory import Memory

PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
MOST_PROOF_LINES = 63
HASH_BYTES = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: the status of HTTP, a body, and its type."""

    status: int
    body: str
    content_type: str = PLAIN


class _Refused(MailerError):
    """Not cosigned; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body)
        self.reply = reply


class Cosigner:
    """One witness: its key, the logs it watches, what it has seen of them.

    `clock` gives seconds since 1970. Requests may come from many threads; comparing with what was seen,
    writing it down and cosigning happen one after the other.
    """

    def __init__(
        self,
        key: WitnessKey,
        logs: Iterable[LogKey],
        memory: Memory,
        clock: Callable[[], float],
    ) -> None:
        self.key = key
        self._logs: dict[str, list[LogKey]] = {}
        for one in logs:
            self._logs.setdefault(one.name, []).append(one)
        self._memory = memory
        self._clock = clock
        self._lock = Lock()

    def sizes(self) -> dict[str, int]:
        """Each log watched with the size last cosigned; 0 when none was."""
        with self._lock:
            newest = {origin: self._memory.find(origin) for origin in self._logs}
        return {origin: found.size if found else 0 for origin, found in newest.items()}

    def add_checkpoint(self, body: bytes) -> Reply:
        """Cosign the checkpoint in `body`, or say with which status it is refused."""
        try:
            old_size, proof, note = _read_request(body)
            checkpoint = read_checkpoint(note)
            self._verify(checkpoint)
            with self._lock:
                return self._cosign(checkpoint, note, old_size, proof)
        except Malformed as error:
            return Reply(400, f"{error}\n")
        except _Refused as refused:
            return refused.reply
        except OSError:
            log.exception("the newest checkpoint could not be written down; nothing was cosigned")
            return Reply(500, "This witness cannot write down what it sees.\n")

    def _verify(self, checkpoint: Checkpoint) -> None:
        """Refuse an unknown log, and what none of its keys signed, or one of them signed wrongly."""
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            raise _Refused(Reply(404, "This witness does not watch this log.\n"))
        ours = [
            key.verifies(signature.signature, checkpoint.text)
            for signature in checkpoint.signatures
            for key in keys
            if (signature.name, signature.key_id) == (key.name, key.key_id)
        ]
        if not ours or not all(ours):
            raise _Refused(Reply(403, "No signature of this log's key fits this checkpoint.\n"))

    def _cosign(
        self, checkpoint: Checkpoint, note: str, old_size: int, proof: list[bytes]
    ) -> Reply:
        if old_size > checkpoint.size:
            raise Malformed("The old size is larger than the checkpoint.")
        newest = self._memory.find(checkpoint.origin)
        known_size, known_root = (newest.size, newest.root) if newest else (0, b"")
        if old_size != known_size:
            raise _Refused(Reply(409, f"{known_size}\n", SIZE))
        if newest and checkpoint.size == known_size and checkpoint.root != known_root:
            self._memory.keep_fork(checkpoint, note)
            log.error("%s signed two roots for size %d", checkpoint.origin, known_size)
            raise _Refused(Reply(409, f"{known_size}\n", SIZE))
        if not grew(known_size, known_root, checkpoint.size, checkpoint.root, proof):
            log.warning(
                "%s: no proof from %d to %d", checkpoint.origin, known_size, checkpoint.size
            )
            raise _Refused(Reply(422, "The proof does not lead from the old size to this root.\n"))
        if newest is None or checkpoint.size != known_size:
            self._memory.remember(checkpoint, note)
        return Reply(200, self.key.cosign(checkpoint.text, int(self._clock())))


def _read_request(body: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and note of a request. Raises Malformed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("A request is UTF-8.") from None
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise Malformed("A request is an old size, proof lines, an empty line and a checkpoint.")
    first, *lines = head.split("\n")
    word, space, size = first.partition(" ")
    if word != "old" or not space:
        raise Malformed("A request begins with `old` and a size.")
    if len(lines) > MOST_PROOF_LINES:
        raise Malformed(f"A proof has at most {MOST_PROOF_LINES} lines.")
    proof = [read_base64(line) for line in lines]
    if any(len(step) != HASH_BYTES for step in proof):
        raise Malformed("A line of a proof is one hash of 32 bytes.")
    return read_size(size), proof, note
