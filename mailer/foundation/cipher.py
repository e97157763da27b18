"""AES-256-GCM with a key id, bound to the place a value belongs to; the only importer of AESGCM.

Sealed form: 4 bytes key id, 12 bytes nonce, ciphertext with tag. What a value is bound to (table, column,
row) is authenticated, so that a ciphertext copied elsewhere does not open.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mailer.foundation.context import settings
from mailer.foundation.errors import MailerError

KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12


class CannotOpen(MailerError):
    """The key is gone or the value was changed."""


@lru_cache(maxsize=16)
def _master(secret: str) -> tuple[bytes, bytes]:
    key = hashlib.sha256(b"mailer.encryption\x00" + secret.encode()).digest()
    return hashlib.sha256(b"id\x00" + key).digest()[:_ID_BYTES], key


def new_key() -> bytes:
    """A fresh 256-bit key, for one person's evidence."""
    return secrets.token_bytes(KEY_BYTES)


def seal_with(key: bytes, value: bytes, *, bound_to: str) -> bytes:
    """Encrypt `value` under `key`, bound to `bound_to`."""
    return sealer(key)(value, bound_to)


def sealer(key: bytes) -> Callable[[bytes, str], bytes]:
    """What seals many values as `seal_with` does, each bound to what is given with it."""
    encrypt = AESGCM(key).encrypt

    def seal_one(value: bytes, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + encrypt(nonce, value, bound_to.encode())

    return seal_one


def open_with(key: bytes, sealed: bytes, *, bound_to: str) -> bytes:
    """The value sealed by `seal_with`. Raises CannotOpen."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError):
        raise CannotOpen("This value cannot be opened with the key at hand.") from None


def seal(value: bytes, *, bound_to: str) -> bytes:
    """Encrypt `value` under the newest of the service's keys."""
    key_id, key = _master(settings().encryption_keys[0])
    return key_id + seal_with(key, value, bound_to=bound_to)


def open_sealed(sealed: bytes, *, bound_to: str) -> bytes:
    """The value sealed by `seal`, under whichever configured key. Raises CannotOpen."""
    for secret in settings().encryption_keys:
        key_id, key = _master(secret)
        if sealed[:_ID_BYTES] == key_id:
            return open_with(key, sealed[_ID_BYTES:], bound_to=bound_to)
    raise CannotOpen("The key of this value is not among MAILER_ENCRYPTION_KEYS.")
