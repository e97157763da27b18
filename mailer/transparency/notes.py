"""C2SP signed notes and checkpoints: text, signature lines, keys in text form. Pure (T-013, T-014, T-016)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mailer.foundation.errors import Invalid
from mailer.transparency.merkle import HASH_BYTES

ED25519 = 0x01
COSIGNATURE_ED25519 = 0x04
ID_BYTES = 4
DASH = "\N{EM DASH}"
MOST_SIGNATURES = 64
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")

Check = Callable[[bytes, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under: the `vkey` of signed notes.

    `kind` is the signature type byte: 1 for a log's Ed25519, 4 for a witness's cosignatures.
    """

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ type ‖ public key), its first four bytes."""
        seen = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(seen).digest()[:ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who, with which key, and the bytes of the signature."""

    name: str
    key_id: bytes
    body: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"{DASH} {self.name} {base64.b64encode(self.key_id + self.body).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note: its text, which ends in a newline, and its signatures in their order."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class CheckpointText:
    """What a checkpoint says: whose tree, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def check_name(name: str) -> str:
    """`name` when it can name a key. Raises Invalid when empty, or with spaces, plus or controls."""
    is_bad = not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name)
    if is_bad:
        raise Invalid(f"{name!r} cannot name a key: no spaces, no plus, not empty.")
    return name


def read_key(text: str) -> VerifierKey:
    """The key of a vkey line `name+id+base64`. Raises Invalid when it does not hold together."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise Invalid("A verifier key reads name+id+key.")
    name, key_id, encoded = parts
    body = decode(encoded)
    key = VerifierKey(check_name(name), body[0] if body else 0, body[1:])
    if len(body) < 1 + ID_BYTES or key.key_id.hex() != key_id:
        raise Invalid("The id of this verifier key does not fit its name and key.")
    return key


def sign_note(text: str, key: VerifierKey, sign: Callable[[bytes], bytes]) -> Signature:
    """The signature of `key` under a text; `sign` makes it."""
    return Signature(key.name, key.key_id, sign(text.encode()))


def read_note(body: str) -> Note:
    """A signed note from its text. Raises Invalid when it is not exactly of that form."""
    if any(ord(sign) < 0x20 and sign != "\n" for sign in body):
        raise Invalid("A note has no control characters.")
    text, blank, tail = body.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise Invalid("A note is a text, an empty line and signatures.")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise Invalid(f"A note has at most {MOST_SIGNATURES} signatures here.")
    return Note(text + "\n", tuple(read_signature(line) for line in lines))


def read_signature(line: str) -> Signature:
    """One signature line, without its newline. Raises Invalid."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH:
        raise Invalid("A signature line reads: em dash, name, signature.")
    body = decode(parts[2])
    if len(body) <= ID_BYTES:
        raise Invalid("A signature holds a key's id and the signature itself.")
    return Signature(check_name(parts[1]), body[:ID_BYTES], body[ID_BYTES:])


def verified_by(note: Note, keys: Iterable[VerifierKey], check: Check) -> Sequence[VerifierKey]:
    """The Ed25519 keys among `keys` that signed the note; signatures of others are ignored (T-016).

    `check` takes public key, signature and message. Raises Invalid when the signature of a known key is
    wrong, or when none of the known keys signed.
    """
    known = {(key.name, key.key_id): key for key in keys if key.kind == ED25519}
    found = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not check(key.public_key, signature.body, note.text.encode()):
            raise Invalid(f"The signature of {key.name} under this note is wrong.")
        found.append(key)
    if not found:
        raise Invalid("No known key signed this note.")
    return found


def read_checkpoint(text: str) -> CheckpointText:
    """What a checkpoint's text says. Raises Invalid; extension lines are refused (T-013)."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise Invalid("A checkpoint has an origin, a size and a root, a line each.")
    root = decode(lines[2])
    if len(root) != HASH_BYTES:
        raise Invalid(f"The root of a checkpoint has {HASH_BYTES} bytes.")
    return CheckpointText(lines[0], int(lines[1]), root)


def decode(text: str) -> bytes:
    """Standard base64, in its one canonical spelling. Raises Invalid."""
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("This is not base64.") from None
    if base64.b64encode(body).decode() != text:
        raise Invalid("This is not base64 in its canonical spelling.")
    return body
