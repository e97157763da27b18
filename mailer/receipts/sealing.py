"""The signature under a document: Ed25519 over its RFC 8785 form, by a key of the service made for this alone.

The key comes from MAILER_SECRET_KEYS (HKDF): the newest signs, older ones still verify. The signature covers
everything but its own value, the names of algorithm and key included; the digests of the parts are there to
say which part was altered, they prove nothing by themselves.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import rfc8785

from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid
from mailer.foundation.signing_keys import derive_key, is_signed_by, public_key_of, sign
from mailer.rendering import Attachment

ALGORITHM = "Ed25519"
PURPOSE = "receipts"
_MEMBER = "signature"
_KEY_ID_LENGTH = 16


class Verdict(StrEnum):
    """What can be said of a document by its signature."""

    GENUINE = "genuine"
    ALTERED = "altered"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict; `parts` names the parts that do not match what was signed, as far as that can be told."""

    verdict: Verdict
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies receipts; only the current one signs."""

    key_id: str
    raw: bytes
    is_current: bool


def sign_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """`document` with the service's signature added (T-034).

    The member is called `x:signature` in JSON-LD, `signature` elsewhere. Raises Invalid for a document that
    is signed already or has no RFC 8785 form (T-001, T-002).
    """
    prefix = "x:" if "@context" in document else ""
    if prefix + _MEMBER in document:
        raise Invalid("This document is signed already.")
    seed = _seeds()[0]
    about = {
        f"{prefix}algorithm": ALGORITHM,
        f"{prefix}keyId": key_id_of(public_key_of(seed)),
        f"{prefix}keysAt": f"{settings().public_url}/receipts/keys.json",
        f"{prefix}digests": {name: _digest(value) for name, value in document.items()},
    }
    value = sign(seed, _canonical({**document, prefix + _MEMBER: about}))
    signature = {**about, f"{prefix}value": b64encode(value).decode()}
    return {**document, prefix + _MEMBER: signature}


def check_document(document: Mapping[str, Any]) -> Checked:
    """Whether `document` is as this service signed it. Raises Invalid when it bears no signature."""
    prefix, signature = _signature_of(document)
    value = signature.get(f"{prefix}value")
    about = {name: part for name, part in signature.items() if name != f"{prefix}value"}
    keys = {key.key_id: key.raw for key in list_public_keys()}
    raw = keys.get(str(about.get(f"{prefix}keyId")))
    if raw is None:
        return Checked(Verdict.FOREIGN)
    try:
        message = _canonical({**document, prefix + _MEMBER: about})
    except Invalid:
        return Checked(Verdict.ALTERED)
    if about.get(f"{prefix}algorithm") == ALGORITHM and is_signed_by(raw, _decode(value), message):
        return Checked(Verdict.GENUINE)
    return Checked(Verdict.ALTERED, _differing(document, prefix, about.get(f"{prefix}digests")))


def list_public_keys() -> list[PublicKey]:
    """Every key that verifies, the one that signs first."""
    raws = [public_key_of(seed) for seed in _seeds()]
    return [PublicKey(key_id_of(raw), raw, raw == raws[0]) for raw in raws]


def published_keys() -> dict[str, Any]:
    """The public keys as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": ALGORITHM,
                "use": "sig",
                "kid": key.key_id,
                "x": urlsafe_b64encode(key.raw).decode().rstrip("="),
                "status": "signs" if key.is_current else "verifies only",
            }
            for key in list_public_keys()
        ]
    }


def attachment_of(document: Mapping[str, Any], filename: str) -> Attachment:
    """A signed document as a file that goes with a mail."""
    return Attachment(filename=filename, media_type="application/json", body=file_of(document))


def file_of(document: Mapping[str, Any]) -> bytes:
    """A document as a file: its RFC 8785 form and a line end."""
    return _canonical(dict(document)) + b"\n"


def key_id_of(public_key: bytes) -> str:
    """The name of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:_KEY_ID_LENGTH]


def _seeds() -> list[bytes]:
    return [derive_key(secret, PURPOSE) for secret in settings().secret_keys]


def _signature_of(document: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    found = [prefix for prefix in ("x:", "") if isinstance(document.get(prefix + _MEMBER), dict)]
    if len(found) != 1:
        raise Invalid("This bears no signature, so it is no receipt of this service.")
    return found[0], document[found[0] + _MEMBER]


def _differing(document: Mapping[str, Any], prefix: str, digests: Any) -> tuple[str, ...]:
    if not isinstance(digests, dict):
        return (prefix + _MEMBER,)
    parts = {name: value for name, value in document.items() if name != prefix + _MEMBER}
    names = parts.keys() | digests.keys()
    wrong = [
        name for name in names if name not in parts or _digest(parts[name]) != digests.get(name)
    ]
    return tuple(sorted(wrong)) or (prefix + _MEMBER,)


def _decode(value: Any) -> bytes:
    """Strictly: base64 leaves bits over at its end, and a flipped one must not pass."""
    try:
        raw = b64decode(str(value), validate=True)
    except (NotBase64, ValueError):
        return b""
    return raw if b64encode(raw).decode() == value else b""


def _canonical(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise Invalid("This document has no canonical form (RFC 8785).") from error


def _digest(value: Any) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()
