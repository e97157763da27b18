"""Whose word a bundle is: the manifest is signed by a key of the service made for this alone.

The key comes from MAILER_SECRET_KEYS (HKDF): the newest signs. What it signs is README, summary and the
choice of what lies in a bundle. What happened is not its word: that stands in the log, under another key.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from mailer import transparency
from mailer.foundation.context import settings
from mailer.foundation.signing_keys import derive_key, public_key_of, sign

PURPOSE = "bundles"
_ED25519 = b"\x01"


def sign_note(text: str) -> str:
    """`text`, which ends with a newline, as a C2SP signed note by the maker of bundles."""
    seed = derive_key(settings().secret_keys[0], PURPOSE)
    public = public_key_of(seed)
    line = base64.b64encode(_key_id(public) + sign(seed, text.encode())).decode()
    return f"{text}\n— {maker_name()} {line}\n"


def maker_vkeys() -> list[str]:
    """The keys under which bundles were signed, as policies name them; the one that signs first."""
    publics = [public_key_of(derive_key(secret, PURPOSE)) for secret in settings().secret_keys]
    return [
        f"{maker_name()}+{_key_id(public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"
        for public in publics
    ]


def maker_name() -> str:
    """The name of the maker's key: where the service is, without a scheme."""
    return f"{urlsplit(settings().public_url).netloc}/bundles"


def policy_text() -> str:
    """Whom to trust, as a file: the log, its witnesses, its time stamps, and the maker of bundles (T-041).

    Raises SettingsInvalid when the roots of the time-stamp authority cannot be read.
    """
    lines = [f"#! signer {vkey}\n" for vkey in maker_vkeys()]
    return "".join([transparency.policy_text(), *lines])


def _key_id(public: bytes) -> bytes:
    return hashlib.sha256(f"{maker_name()}\n".encode() + _ED25519 + public).digest()[:4]
