"""C2SP tlog-cosignature: what a witness signs, and reading what it returned. Pure.

Ed25519 only (type 0x04). Another kind is one more entry in `MESSAGES`: how its message is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailer.foundation.errors import Invalid
from mailer.transparency.notes import COSIGNATURE_ED25519, Signature, VerifierKey, read_signature

TIME_BYTES = 8
LATEST = 2**63 - 1
MOST_LINES = 64

Check = Callable[[bytes, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The line of a witness, and the second (since 1970, UTC) at which it signed."""

    line: str
    at: int


def message_ed25519(text: str, at: int) -> bytes:
    """What type 0x04 signs: a header, the time, and the text of the note."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


MESSAGES: dict[int, Callable[[str, int], bytes]] = {COSIGNATURE_ED25519: message_ed25519}


def read_cosignatures(answer: bytes) -> list[Signature]:
    """The signature lines of a witness's answer. Raises Invalid when it is anything else."""
    try:
        text = answer.decode()
    except UnicodeDecodeError:
        raise Invalid("An answer of a witness is text.") from None
    lines = text.split("\n")
    if lines[-1] or len(lines) < 2 or len(lines) > MOST_LINES + 1:
        raise Invalid("An answer of a witness is signature lines, each with its newline.")
    return [read_signature(line) for line in lines[:-1]]


def find_cosignature(
    signatures: list[Signature], key: VerifierKey, text: str, check: Check
) -> Cosignature | None:
    """The cosignature of `key` over the note's `text`; None when there is none, others are ignored.

    Raises Invalid when one claims to be of this key and is not.
    """
    for signature in signatures:
        if (signature.name, signature.key_id) != (key.name, key.key_id):
            continue
        at = int.from_bytes(signature.body[:TIME_BYTES], "big")
        message = MESSAGES[key.kind](text, at)
        if at > LATEST or not check(key.public_key, signature.body[TIME_BYTES:], message):
            raise Invalid(f"The cosignature of {key.name} is not its signature over this note.")
        return Cosignature(signature.line(), at)
    return None
