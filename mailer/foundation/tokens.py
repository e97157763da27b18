"""Signed links. Each purpose has its own key, so a token for one never opens another (S-001, S-011).

Keys rotate: the newest signs, every configured one is accepted. Nothing is stored; a token that must
end carries its time, and links that must work for ever (C-065) carry none.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, Signer, URLSafeTimedSerializer

from mailer.foundation.context import settings
from mailer.foundation.errors import LinkExpired, LinkInvalid

LONGEST_TOKEN = 1024


class Purpose(StrEnum):
    """What a token may be used for; it goes into the key."""

    CONFIRM = "confirm"
    NOT_ME = "not-me"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    FORM = "form"
    PAGE = "page"
    INVITATION = "invitation"
    NOTICE = "notice"
    RECEIPT = "receipt"
    ERASURE = "erasure"
    PROOF = "proof"


def _keys() -> list[str]:
    # itsdangerous signs with the last key and tries all of them.
    return list(reversed(settings().secret_keys))


def _serializer(purpose: Purpose) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        _keys(),
        salt=f"mailer.{purpose}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def sign_timed(purpose: Purpose, payload: Any) -> str:
    """A token that carries `payload` (JSON) and the time of signing."""
    return str(_serializer(purpose).dumps(payload))


def read_timed(purpose: Purpose, token: str, *, max_age: timedelta) -> Any:
    """The payload of a token signed for `purpose` at most `max_age` ago.

    Raises LinkExpired (with the payload) when it is ours but too old, LinkInvalid otherwise.
    """
    if len(token) > LONGEST_TOKEN:
        raise LinkInvalid("This link is damaged.")
    try:
        return _serializer(purpose).loads(token, max_age=int(max_age.total_seconds()))
    except SignatureExpired as error:
        payload = None
        if error.payload is not None:
            payload = _serializer(purpose).load_payload(error.payload)
        raise LinkExpired("This link has expired.", payload) from None
    except (BadSignature, UnicodeError):
        raise LinkInvalid("This link is damaged or incomplete.") from None


def read_timed_with_age(purpose: Purpose, token: str, *, max_age: timedelta) -> tuple[Any, int]:
    """Like `read_timed`, with the time of signing in seconds since the epoch."""
    payload = read_timed(purpose, token, max_age=max_age)
    _, signed_at = _serializer(purpose).loads(token, return_timestamp=True)
    return payload, int(signed_at.timestamp())


def _signer(purpose: Purpose) -> Signer:
    return Signer(
        _keys(),
        salt=f"mailer.{purpose}",
        sep=".",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )


def sign_lasting(purpose: Purpose, *parts: str) -> str:
    """A token without an end (C-065), made of `parts`, which hold neither `.` nor `~`."""
    return _signer(purpose).sign("~".join(parts)).decode()


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
