"""C2SP signed notes and checkpoints, read strictly; pure. Raises Malformed with what is wrong."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from mailer.foundation.errors import MailerError

DASH = "— "
MOST_SIGNATURES = 64
LARGEST_SIZE = 2**63 - 1
ROOT_BYTES = 32
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Malformed(MailerError):
    """What was sent is not what the specification says."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    signature: bytes
    line: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head: what the note says, and by whom it claims to be signed."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[Signature, ...]


def read_base64(text: str) -> bytes:
    """Standard base64, padded, with exactly one spelling. Raises Malformed."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("A line is not base64.") from None
    if base64.b64encode(value).decode() != text:
        raise Malformed("A line is not base64 as RFC 4648 section 4 writes it.")
    return value


def read_size(text: str) -> int:
    """A tree size in ASCII decimal without leading zeroes. Raises Malformed."""
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST_SIZE:
        raise Malformed("A tree size is a decimal number without leading zeroes.")
    return int(text)


def is_key_name(name: str) -> bool:
    """Whether a key may be called this: not empty, no spaces, no plus, nothing unprintable."""
    return bool(name) and "+" not in name and name.isprintable() and not re.search(r"\s", name)


def read_checkpoint(note: str) -> Checkpoint:
    """Take a signed note apart that should be a checkpoint (C2SP tlog-checkpoint). Raises Malformed."""
    if _CONTROL.search(note):
        raise Malformed("A note holds no control characters but newlines.")
    head, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise Malformed(
            "A note is text, an empty line, and signature lines that end with newlines."
        )
    text = head + "\n"
    lines = head.split("\n")
    if len(lines) < 3 or not all(lines):
        raise Malformed("A checkpoint has an origin, a size and a root hash, and no empty lines.")
    root = read_base64(lines[2])
    if len(root) != ROOT_BYTES:
        raise Malformed("A root hash has 32 bytes.")
    signatures = tuple(_read_signature(line) for line in tail[:-1].split("\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise Malformed(f"A note has at most {MOST_SIGNATURES} signatures here.")
    return Checkpoint(text, lines[0], read_size(lines[1]), root, signatures)


def _read_signature(line: str) -> Signature:
    if not line.startswith(DASH):
        raise Malformed("A signature line begins with an em dash and a space.")
    name, space, encoded = line.removeprefix(DASH).partition(" ")
    if not space or not is_key_name(name):
        raise Malformed("A signature line names its key and nothing but its key.")
    value = read_base64(encoded)
    if len(value) < 5:
        raise Malformed("A signature is four bytes of key ID and what was signed.")
    return Signature(name, value[:4], value[4:], line)
