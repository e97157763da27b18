"""Keys that sign mails (DKIM): RSA of 2048 bits, and Ed25519 (RFC 8301, RFC 8463).

A private key is kept as DER (PKCS 8), a public one as the text that stands behind `p=` in the DNS.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import partial
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair

_RSA_BITS, _EXPONENT = 2048, 65_537


def new_rsa_key() -> tuple[bytes, str]:
    """A fresh RSA key: private, public."""
    key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_RSA_BITS)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _private(key), b64encode(public).decode()


def new_ed25519_key() -> tuple[bytes, str]:
    """A fresh Ed25519 key: private, public."""
    key = Ed25519PrivateKey.generate()
    return _private(key), b64encode(key.public_key().public_bytes_raw()).decode()


def signing_function(private_key: bytes) -> Callable[[bytes], bytes]:
    """What signs with this key, which is read once.

    RSA signs SHA-256 of what it is given by PKCS 1 v1.5; Ed25519 signs that digest (RFC 8463, 3).
    """
    key = serialization.load_der_private_key(private_key, password=None)
    if isinstance(key, Ed25519PrivateKey):
        _, secret = crypto_sign_seed_keypair(key.private_bytes_raw())
        return partial(_sign_digest, secret)
    if isinstance(key, rsa.RSAPrivateKey):
        return partial(_sign_rsa, key, padding.PKCS1v15(), hashes.SHA256())
    raise ValueError("This is neither an RSA nor an Ed25519 key.")


def _sign_rsa(
    key: rsa.RSAPrivateKey, pad: padding.PKCS1v15, digest: hashes.SHA256, message: bytes
) -> bytes:
    return key.sign(message, pad, digest)


def _sign_digest(secret: bytes, message: bytes) -> bytes:
    # libsodium needs two thirds of OpenSSL's time for the same octets, and each mail waits for one.
    return crypto_sign(sha256(message).digest(), secret)[:crypto_sign_BYTES]


def _private(key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
