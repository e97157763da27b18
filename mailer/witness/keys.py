"""Keys of logs, which are given, and the witness's own, made once: C2SP signed-note and tlog-cosignature.

The own key lies in the directory as one line `PRIVATE+KEY+<name>+<key ID>+<base64 of type and seed>`.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mailer.foundation.errors import MailerError
from mailer.witness.checkpoints import DASH, Malformed, is_key_name, read_base64
from mailer.witness.files import write_durably

LOG_TYPE = 0x01  # Ed25519 over the text of a note
COSIGNATURE_TYPE = 0x04  # Ed25519 over a text with a time
_PRIVATE = "PRIVATE+KEY"


class KeyUnusable(MailerError):
    """A key that is none, or not of the kind that is wanted here."""


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes that tell keys of one name apart."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class LogKey:
    """The public key of a log we watch; its name is the log's origin."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def from_vkey(cls, vkey: str) -> LogKey:
        """Read `name+key ID+base64 of type and key`. Raises KeyUnusable."""
        name, kind, public = _read_encoded(vkey.strip())
        if kind != LOG_TYPE:
            raise KeyUnusable(f"{name}: the key of a log is an Ed25519 key of type 0x01.")
        return cls(name, key_id(name, kind, public), public)

    def verifies(self, signature: bytes, text: str) -> bool:
        """Whether `signature` is this key's over the text of a note."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """What this witness cosigns with."""

    name: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        """What others trust: give it to whoever runs or checks a log."""
        identity = key_id(self.name, COSIGNATURE_TYPE, self.public).hex()
        encoded = base64.b64encode(bytes([COSIGNATURE_TYPE]) + self.public).decode()
        return f"{self.name}+{identity}+{encoded}"

    def cosign(self, text: str, at: int) -> str:
        """The signature line that says: at second `at`, this was the largest tree we had seen."""
        message = f"cosignature/v1\ntime {at}\n{text}".encode()
        identity = key_id(self.name, COSIGNATURE_TYPE, self.public)
        value = identity + at.to_bytes(8, "big") + self.private.sign(message)
        return f"{DASH}{self.name} {base64.b64encode(value).decode()}\n"


def own_key(path: Path, name: str | None) -> WitnessKey:
    """The key in `path`, made when there is none. `name` must fit the key that is there.

    Raises KeyUnusable when the file cannot be read as a key, is called otherwise, or others may read it.
    """
    if not path.exists():
        if not name or not is_key_name(name):
            raise KeyUnusable("Give --name, such as witness.example.org/w1: no spaces and no plus.")
        made = WitnessKey(name, Ed25519PrivateKey.generate())
        write_durably(path, _private_line(made).encode())
        return made
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} can be read by others: chmod 600 it.")
    try:
        line = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{path} cannot be read: {error}") from None
    if not line.startswith(_PRIVATE + "+"):
        raise KeyUnusable(f"{path} holds no key of a witness.")
    own_name, kind, seed = _read_encoded(line.removeprefix(_PRIVATE + "+"), is_private=True)
    if kind != COSIGNATURE_TYPE:
        raise KeyUnusable(f"{path} holds no key of a witness.")
    if name and name != own_name:
        raise KeyUnusable(f"The key in {path} is called {own_name}; leave --name out.")
    return WitnessKey(own_name, Ed25519PrivateKey.from_private_bytes(seed))


def _private_line(key: WitnessKey) -> str:
    identity = key_id(key.name, COSIGNATURE_TYPE, key.public).hex()
    seed = bytes([COSIGNATURE_TYPE]) + key.private.private_bytes_raw()
    return f"{_PRIVATE}+{key.name}+{identity}+{base64.b64encode(seed).decode()}\n"


def _read_encoded(text: str, *, is_private: bool = False) -> tuple[str, int, bytes]:
    """Name, type and key of `name+key ID+base64`; the key ID must be right."""
    name, _, rest = text.partition("+")
    identity, _, encoded = rest.partition("+")
    shown = "The key of this witness" if is_private else repr(text)
    try:
        value = read_base64(encoded)
    except Malformed:
        raise KeyUnusable(f"{shown} is no key such as example.org/log+0a1b2c3d+AQ…") from None
    if not is_key_name(name) or len(value) != 33:
        raise KeyUnusable(f"{shown} is no Ed25519 key such as example.org/log+0a1b2c3d+AQ…")
    kind, key = value[0], value[1:]
    public = (
        Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
        if is_private
        else key
    )
    if key_id(name, kind, public).hex() != identity:
        raise KeyUnusable(f"{shown}: the key ID does not fit the key; copy it again.")
    return name, kind, key
