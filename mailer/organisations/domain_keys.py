"""Keys that sign mails: made, published by the organisation, taken into use, replaced (E-040 to E-042).

A new key gets a new selector and waits until somebody says that its record is published: a signature
nobody can check is worse than none. Until then the old keys go on signing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from mailer.foundation import cipher
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.foundation.mail_keys import new_ed25519_key, new_rsa_key, signing_function
from mailer.organisations.models import DomainKey, Organisation, Sender
from mailer.organisations.states import DomainKeyState
from mailer.rendering import ED25519, RSA, Signer, ascii_domain

_MAKERS = {RSA: ("r", new_rsa_key), ED25519: ("e", new_ed25519_key)}
_LONGEST_STRING = 255  # octets in one string of a TXT record (RFC 1035, 3.3)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A TXT record to publish. `quoted` is the value as a zone file wants it, in strings of 255."""

    name: str
    value: str

    @property
    def quoted(self) -> str:
        cuts = range(0, len(self.value), _LONGEST_STRING)
        return " ".join(f'"{self.value[at : at + _LONGEST_STRING]}"' for at in cuts)


def signing_domain(sender: Sender) -> str:
    """The domain that signs for `sender`: the one of its address, as A-labels (E-042)."""
    return ascii_domain("from_address", parse_address(sender.from_address).domain).lower()


def list_domain_keys(organisation: Organisation, domain: str) -> list[DomainKey]:
    """The keys of `organisation` for `domain`, newest first, replaced ones included."""
    query = sa.select(DomainKey).where(
        DomainKey.organisation_id == organisation.id, DomainKey.domain == domain
    )
    return list(db.session.scalars(query.order_by(DomainKey.id.desc())))


def make_domain_keys(
    organisation: Organisation, domain: str, algorithms: Sequence[str] = (RSA,)
) -> list[DomainKey]:
    """New keys for `domain`, one for each algorithm, waiting for their records to be published.

    Raises NotAllowed while others wait.
    """
    if any(_of(organisation, domain, DomainKeyState.WAITING)):
        raise NotAllowed("Keys for this domain are waiting already. Publish or discard them first.")
    made = []
    for algorithm in algorithms:
        letter, make = _MAKERS[algorithm]
        private_key, public_key = make()
        selector = f"mailer-{now():%Y%m}{letter}-{secrets.token_hex(3)}"
        made.append(
            DomainKey(
                organisation_id=organisation.id,
                domain=domain,
                selector=selector,
                algorithm=algorithm,
                public_key=public_key,
                private_key=cipher.seal(private_key, bound_to=_place(domain, selector)),
                state=DomainKeyState.WAITING,
            )
        )
    db.session.add_all(made)
    db.session.flush()
    return made


def begin_signing(organisation: Organisation, domain: str) -> None:
    """Sign with the waiting keys from now on; those they replace are kept without their private half.

    Raises NotAllowed when none waits.
    """
    waiting = list(_of(organisation, domain, DomainKeyState.WAITING))
    if not waiting:
        raise NotAllowed("No key for this domain is waiting. Make one first.")
    for key in _of(organisation, domain, DomainKeyState.SIGNING):
        key.state, key.replaced_at, key.private_key = DomainKeyState.REPLACED, now(), None
    for key in waiting:
        key.state, key.signing_since = DomainKeyState.SIGNING, now()
    db.session.flush()


def discard_domain_keys(organisation: Organisation, domain: str) -> None:
    """Delete the keys that wait; nothing was signed with them."""
    for key in _of(organisation, domain, DomainKeyState.WAITING):
        db.session.delete(key)
    db.session.flush()


def stop_signing(organisation: Organisation, domain: str) -> None:
    """Sign no more for `domain`: mails leave unsigned, and the relay may sign them."""
    for key in _of(organisation, domain, DomainKeyState.SIGNING):
        key.state, key.replaced_at, key.private_key = DomainKeyState.REPLACED, now(), None
    db.session.flush()


def dns_record(key: DomainKey) -> DnsRecord:
    """What has to be published for `key` (RFC 6376, 3.6; RFC 8463, 4)."""
    kind = "rsa" if key.algorithm == RSA else "ed25519"
    return DnsRecord(
        name=f"{key.selector}._domainkey.{key.domain}",
        value=f"v=DKIM1; k={kind}; p={key.public_key}",
    )


def signers_for(organisation_id: int, from_address: str) -> list[Signer]:
    """Who signs the mails of an organisation from this address; nobody when its domain has no key.

    Raises Invalid when a key cannot be opened: mails wait then, rather than leave unsigned.
    """
    domain = ascii_domain("from_address", from_address.rpartition("@")[2]).lower()
    rows = db.session.execute(
        sa.select(DomainKey.selector, DomainKey.algorithm, DomainKey.private_key)
        .where(
            DomainKey.organisation_id == organisation_id,
            DomainKey.domain == domain,
            DomainKey.state == DomainKeyState.SIGNING,
        )
        .order_by(DomainKey.algorithm.desc(), DomainKey.id)
    )
    return [
        Signer(
            domain=domain,
            selector=selector,
            algorithm=algorithm,
            sign=_signing(sealed, _place(domain, selector)),
        )
        for selector, algorithm, sealed in rows
    ]


@lru_cache(maxsize=256)
def _signing(sealed: bytes, bound_to: str) -> Callable[[bytes], bytes]:
    """What signs with a sealed key: opened once in a process, for reading one costs many signatures."""
    try:
        return signing_function(cipher.open_sealed(sealed, bound_to=bound_to))
    except cipher.CannotOpen:
        raise Invalid(
            "The key that signs these mails cannot be opened. Put the encryption key it was sealed "
            "with back into MAILER_ENCRYPTION_KEYS, or make a new key on the sender’s page."
        ) from None


def _of(organisation: Organisation, domain: str, state: DomainKeyState) -> Iterator[DomainKey]:
    keys = list_domain_keys(organisation, domain)
    return (key for key in keys if key.state is state)


def _place(domain: str, selector: str) -> str:
    return f"domain_keys.private_key.{selector}._domainkey.{domain}"
