"""A log of a few leaves, written from the definitions of RFC 6962: the other side of a witness."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "news.example.org/log"


def hash_leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def root_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hash_leaf(leaves[0])
    split = _split(len(leaves))
    pair = root_of(leaves[:split]) + root_of(leaves[split:])
    return hashlib.sha256(b"\x01" + pair).digest()


def proof_of(old: int, leaves: list[bytes], *, is_whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 2.1.2; PROOF of all `leaves` from their first `old`."""
    if old == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    split = _split(len(leaves))
    if old <= split:
        deeper = proof_of(old, leaves[:split], is_whole=is_whole)
        return [*deeper, root_of(leaves[split:])]
    return [*proof_of(old - split, leaves[split:], is_whole=False), root_of(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return int(2 ** ((size - 1).bit_length() - 1))


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    encoded = base64.b64encode(bytes([kind]) + public).decode()
    return f"{name}+{key_id(name, kind, public).hex()}+{encoded}"


@dataclass
class LittleLog:
    """Leaves, a key, and every checkpoint one likes to sign, honest or not."""

    leaves: list[bytes] = field(default_factory=list)
    origin: str = ORIGIN
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def vkey(self) -> str:
        return vkey(self.origin, 1, self.key.public_key().public_bytes_raw())

    def grow(self, count: int, word: str = "leaf") -> None:
        self.leaves += [f"{word} {len(self.leaves) + number}".encode() for number in range(count)]

    def note(self, size: int | None = None, root: bytes | None = None) -> str:
        """A signed checkpoint of the first `size` leaves, or with whatever root is given."""
        size = len(self.leaves) if size is None else size
        root = root_of(self.leaves[:size]) if root is None else root
        return self.sign(f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n")

    def sign(self, text: str) -> str:
        identity = key_id(self.origin, 1, self.key.public_key().public_bytes_raw())
        value = base64.b64encode(identity + self.key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {value}\n"

    def request(self, old: int, size: int | None = None) -> str:
        """What a log sends to `add-checkpoint`, with an honest proof."""
        size = len(self.leaves) if size is None else size
        proof = proof_of(old, self.leaves[:size]) if old else []
        return request(old, proof, self.note(size))


def request(old: int, proof: list[bytes], note: str) -> str:
    lines = "".join(base64.b64encode(step).decode() + "\n" for step in proof)
    return f"old {old}\n{lines}\n{note}"
