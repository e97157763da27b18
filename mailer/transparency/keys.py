"""The keys of the log: the private ones in the keeper's directory, the public ones in the database (T-046).

A rotation has two steps. First a second key is made and every checkpoint carries both signatures, so that
who knows the old key learns the new one from a note they can check; then the old key is forgotten.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from mailer.foundation import context, signing_keys
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.transparency.directory import LogDirectory
from mailer.transparency.models import LogKey
from mailer.transparency.notes import ED25519, Signature, VerifierKey, check_name, decode, sign_note
from mailer.transparency.sequencing import queue_leaf

KEY_LEAF = "log-key"
_SECRET = "PRIVATE+KEY+"  # noqa: S105 - the beginning of the text form, no secret


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of the log with the public one that belongs to it."""

    public: VerifierKey
    seed: bytes = field(repr=False)

    def sign(self, text: str) -> Signature:
        """The signature line under a note's text."""
        return sign_note(text, self.public, lambda message: signing_keys.sign(self.seed, message))

    def to_text(self) -> str:
        """The line of the key file, in the form that signed-note tools know."""
        encoded = base64.b64encode(bytes([ED25519]) + self.seed).decode()
        return f"{_SECRET}{self.public.name}+{self.public.key_id.hex()}+{encoded}"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key of the log, and when it signed; `until` is None while it does."""

    vkey: str
    since: datetime
    until: datetime | None


def make_key(origin: str) -> SigningKey:
    """A fresh key that signs as `origin`."""
    return _key_of(check_name(origin), signing_keys.new_private_key())


def read_keys(directory: LogDirectory, origin: str) -> list[SigningKey]:
    """The private keys, the oldest first; none when there is no file.

    Raises Invalid when the file is damaged or its keys sign for another origin.
    """
    try:
        lines = directory.key_file.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    keys = [_read(line) for line in lines if line]
    if not keys or any(key.public.name != origin for key in keys):
        raise Invalid(f"{directory.key_file} holds no keys of {origin}; see MAILER_LOG_ORIGIN.")
    return keys


def begin_rotation(directory: LogDirectory, origin: str) -> SigningKey:
    """Make a second key; from the keeper's next turn on both sign. Raises NotAllowed in a rotation."""
    with directory.changing_keys():
        keys = read_keys(directory, origin)
        if not keys:
            raise NotAllowed("There is no key yet: start the log keeper first.")
        if len(keys) > 1:
            raise NotAllowed("A rotation has begun already; end it with --finish.")
        fresh = make_key(origin)
        _write(directory, [*keys, fresh])
    return fresh


def finish_rotation(directory: LogDirectory, origin: str) -> SigningKey:
    """Forget the old key; returns the one that stays. Raises NotAllowed when no rotation has begun."""
    with directory.changing_keys():
        keys = read_keys(directory, origin)
        if len(keys) < 2:
            raise NotAllowed("No rotation has begun; begin it without --finish.")
        _write(directory, keys[-1:])
    return keys[-1]


def create_first_key(directory: LogDirectory, origin: str) -> list[SigningKey]:
    """The keys of the log, the first one made when there is none yet."""
    with directory.changing_keys():
        keys = read_keys(directory, origin)
        if not keys:
            keys = [make_key(origin)]
            _write(directory, keys)
    return keys


def register_keys(keys: Sequence[VerifierKey]) -> None:
    """Have the database know which keys sign now, each new one with a leaf of its own in the log."""
    signing = {str(key): key for key in keys}
    known = {row.vkey: row for row in db.session.scalars(sa.select(LogKey))}
    moment = now()
    for vkey, row in known.items():
        if row.until is None and vkey not in signing:
            row.until = moment
    for vkey, key in signing.items():
        if vkey in known:
            continue
        db.session.add(LogKey(name=key.name, vkey=vkey, since=moment))
        queue_leaf(
            None,
            kind=KEY_LEAF,
            public_id=f"key_{hashlib.sha256(vkey.encode()).hexdigest()[:24]}",
            algorithm="sha256",
            commitment=hashlib.sha256(vkey.encode()).digest(),
            happened_at=moment,
        )
    db.session.flush()


def are_registered(keys: Sequence[VerifierKey]) -> bool:
    """Whether the database knows exactly these as the keys that sign now."""
    return sorted(log_vkeys()) == sorted(str(key) for key in keys)


def list_keys() -> list[KnownKey]:
    """Every public key the log has signed with, the oldest first."""
    rows = db.session.scalars(sa.select(LogKey).order_by(LogKey.id))
    return [KnownKey(row.vkey, row.since, row.until) for row in rows]


def log_vkeys() -> list[str]:
    """The public keys that sign now, as verifier keys of signed notes; two during a rotation."""
    return [key.vkey for key in list_keys() if key.until is None]


def log_origin() -> str:
    """The name of the log, as its checkpoints and keys say it."""
    return context.settings().log_origin


def _read(line: str) -> SigningKey:
    name, _, rest = line.removeprefix(_SECRET).partition("+")
    key_id, _, encoded = rest.partition("+")
    body = decode(encoded)
    if not line.startswith(_SECRET) or body[:1] != bytes([ED25519]):
        raise Invalid("The file of keys is damaged.")
    if len(body) != 1 + signing_keys.KEY_BYTES:
        raise Invalid("The file of keys is damaged.")
    key = _key_of(name, body[1:])
    if key.public.key_id.hex() != key_id:
        raise Invalid("The file of keys is damaged: an id does not fit its key.")
    return key


def _key_of(name: str, seed: bytes) -> SigningKey:
    return SigningKey(VerifierKey(name, ED25519, signing_keys.public_key_of(seed)), seed)


def _write(directory: LogDirectory, keys: Sequence[SigningKey]) -> None:
    directory.write(directory.key_file, "".join(f"{key.to_text()}\n" for key in keys))
