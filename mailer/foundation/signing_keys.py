"""Ed25519 (RFC 8032): making keys, signing, verifying. Keys are plain bytes; whoever calls keeps them."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
SIGNATURE_BYTES = 64


def new_private_key() -> bytes:
    """A fresh private key: the 32-byte seed."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private_key: bytes) -> bytes:
    """The 32-byte public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign(private_key: bytes, message: bytes) -> bytes:
    """The 64-byte signature of `message`."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(message)


def is_signed_by(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made with the key of this public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def derive_key(secret: str, purpose: str) -> bytes:
    """The private key (seed) that a secret of the service gives for one purpose (HKDF, RFC 5869)."""
    derivation = HKDF(SHA256(), KEY_BYTES, salt=b"mailer.signing", info=purpose.encode())
    return derivation.derive(secret.encode())
