"""Signed links. Each purpose has its own key, so a token for one never opens another (S-001, S-011).

Keys rotate: the newest signs, every configured one is accepted. Nothing is stored; a token that must
end carries its time, and links that must work for ever (C-065) carry none.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from itsdangerous import (
    BadSignature,
    SignatureExpired,
    Signer,
    TimestampSigner,
    URLSafeTimedSerializer,
)
from itsdangerous.encoding import base64_encode, want_bytes
from itsdangerous.signer import SigningAlgorithm
from itsdangerous.url_safe import URLSafeSerializerMixin

from mailer.foundation.context import settings
from mailer.foundation.errors import LinkExpired, LinkInvalid

LONGEST_TOKEN = 1024
SIGNATURE_LENGTH = 43  # characters of base64url: every token ends in 32 octets of HMAC
_WORTH_COMPRESSING = 200  # octets
_BLOCK = 64  # octets SHA-256 works on at a time
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(StrEnum):
    """What a token may be used for; it goes into the key."""

    CONFIRM = "confirm"
    NOT_ME = "not-me"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    FORM = "form"
    PAGE = "page"
    INVITATION = "invitation"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - a word, no password
    DEVICE = "device"
    NOTICE = "notice"
    RECEIPT = "receipt"
    ERASURE = "erasure"
    PERMISSION = "permission"
    NO_PERMISSION = "no-permission"
    PROOF = "proof"
    CLICK = "click"
    CHANGE = "change"
    UNDO = "undo"


def _keys() -> tuple[str, ...]:
    # itsdangerous signs with the last key and tries all of them.
    return settings().secret_keys[::-1]


def _serializer(purpose: Purpose) -> _Serializer:
    return _make_serializer(purpose, _keys())


@lru_cache(maxsize=256)
def _derived(secret: bytes, salt: bytes) -> bytes:
    return keyed_digest(secret)(salt)


class _Algorithm(SigningAlgorithm):
    """HMAC-SHA256, as itsdangerous has it, with each key prepared once."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return keyed_digest(key)(value)


class _Keys(Signer):
    """Derives a key as itsdangerous does by "hmac", but once and not for every token."""

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        secret = self.secret_keys[-1] if secret_key is None else want_bytes(secret_key)
        return _derived(secret, self.salt)


class _TimedKeys(_Keys, TimestampSigner):
    pass


class _Serializer(URLSafeTimedSerializer):
    """Compresses only what is long: on a public id nothing is gained, and the memory that is cleared for the
    try takes as long as all the rest of a token.
    """

    def dump_payload(self, obj: Any) -> bytes:
        plain = super(URLSafeSerializerMixin, self).dump_payload(obj)
        return (
            base64_encode(plain) if len(plain) < _WORTH_COMPRESSING else super().dump_payload(obj)
        )


@lru_cache(maxsize=64)
def _make_serializer(purpose: Purpose, keys: tuple[str, ...]) -> _Serializer:
    return _Serializer(
        keys,
        salt=f"mailer.{purpose}",
        signer=_TimedKeys,
        signer_kwargs={"algorithm": _Algorithm()},
    )


def sign_timed(purpose: Purpose, payload: Any) -> str:
    """A token that carries `payload` (JSON) and the time of signing."""
    return str(_serializer(purpose).dumps(payload))


def read_timed(purpose: Purpose, token: str, *, max_age: timedelta) -> Any:
    """The payload of a token signed for `purpose` at most `max_age` ago.

    Raises LinkExpired (with the payload) when it is ours but too old, LinkInvalid otherwise.
    """
    payload, _ = read_timed_with_age(purpose, token, max_age=max_age)
    return payload


def read_timed_with_age(purpose: Purpose, token: str, *, max_age: timedelta) -> tuple[Any, int]:
    """Like `read_timed`, with the time of signing in seconds since the epoch."""
    if len(token) > LONGEST_TOKEN:
        raise LinkInvalid("This link is damaged.")
    serializer = _serializer(purpose)
    try:
        payload, signed_at = serializer.loads(
            token, max_age=int(max_age.total_seconds()), return_timestamp=True
        )
    except SignatureExpired as error:
        payload = None
        if error.payload is not None:
            payload = serializer.load_payload(error.payload)
        raise LinkExpired("This link has expired.", payload) from None
    except (BadSignature, UnicodeError):
        raise LinkInvalid("This link is damaged or incomplete.") from None
    return payload, int(signed_at.timestamp())


def _signer(purpose: Purpose) -> Signer:
    return _make_signer(purpose, _keys())


@lru_cache(maxsize=64)
def _make_signer(purpose: Purpose, keys: tuple[str, ...]) -> Signer:
    return _Keys(keys, salt=f"mailer.{purpose}", sep=".", algorithm=_Algorithm())


def sign_lasting(purpose: Purpose, *parts: str) -> str:
    """A token without an end (C-065), made of `parts`, which hold neither `.` nor `~`."""
    return _signer(purpose).sign("~".join(parts)).decode()


def lasting_signer(purpose: Purpose) -> Callable[[str], str]:
    """What makes many tokens as `sign_lasting` does, out of the parts joined by `~`.

    The key is derived once, and no object is made for each token.
    """
    code = keyed_digest(bytes(_signer(purpose).derive_key()))

    def sign(value: str) -> str:
        signature = b2a_base64(code(value.encode()), newline=False)
        return f"{value}.{signature.translate(_URL_SAFE, b'=').decode()}"

    return sign


@lru_cache(maxsize=256)
def keyed_digest(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 (RFC 2104) under one key of the service, which is prepared once and kept: a third of
    what `hmac` takes.
    """
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    padded = key.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def code(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    return code


def read_lasting(purpose: Purpose, token: str) -> list[str]:
    """The parts of a token signed for `purpose`. Raises LinkInvalid."""
    if len(token) > LONGEST_TOKEN:
        raise LinkInvalid("This link is damaged.")
    try:
        return _signer(purpose).unsign(token).decode().split("~")
    except (BadSignature, UnicodeError):
        raise LinkInvalid("This link is damaged or incomplete.") from None


def digest(token: str) -> str:
    """SHA-256 of a token, hexadecimal: what is kept where a token was used (S-002, C-043)."""
    return hashlib.sha256(token.encode()).hexdigest()
