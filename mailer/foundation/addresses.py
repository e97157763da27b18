"""E-mail addresses: checked strictly, kept as given, compared by one normal form (E-008, C-084).

What people type or paste is read by `typed_addresses.py`; this file judges one address as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid
from mailer.foundation.tokens import keyed_digest

LONGEST_ADDRESS = 254
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_MOST_DOMAINS = 256
_IN_TEXT = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
# Small letters only: of a few names, such as Postmaster, the library changes the capitals.
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """An address somebody gave us: `given` is what we send to, `normal` what we compare."""

    given: str
    normal: str
    domain: str

    @property
    def digest(self) -> str:
        """HMAC-SHA-256 of the normal form under the pepper, hexadecimal (C-080, C-081)."""
        return peppered(self.normal)

    @property
    def mailbox_digest(self) -> str:
        """The digest of `mailbox_of`: what limits on mails to one mailbox count by."""
        return peppered(mailbox_of(self))


def peppered(value: str) -> str:
    """HMAC-SHA-256 of `value` under the pepper, hexadecimal: who has not the pepper cannot try values out."""
    return keyed_digest(settings().address_pepper.encode())(value.encode()).hex()


def parse_address(text: str) -> Address:
    """Check one address (E-008). Raises Invalid with what to do about it.

    Trimmed and NFC-normalised; the domain becomes a lower-case A-label in the normal form; dots and
    plus-tags stay, for they are legitimate (C-084). Letters are compared in lower case and not folded
    further: `straße@` and `strasse@` are two mailboxes (RFC 6531 knows no folding).
    """
    text = text.strip()
    if not text:
        raise Invalid("Please give your e-mail address.")
    if len(text) > LONGEST_ADDRESS or any(mark in text for mark in "\r\n\x00<>,;"):
        raise Invalid("Please give one e-mail address, such as name@example.org.")
    if _PLAIN.fullmatch(text):
        local, _, domain = text.partition("@")
        if len(local) <= _LONGEST_LOCAL and _is_plain_domain(domain, settings().is_production):
            return Address(given=text, normal=text, domain=domain)
    try:
        checked = _check(text, settings().is_production)
    except EmailNotValidError:
        raise Invalid(
            "This does not look like an e-mail address. Example: name@example.org."
        ) from None
    domain = checked.ascii_domain.lower()
    return Address(
        given=checked.normalized,
        normal=f"{checked.local_part.lower()}@{domain}",
        domain=domain,
    )


def _check(text: str, is_production: bool) -> ValidatedEmail:
    return validate_email(
        text, check_deliverability=False, strict=True, test_environment=not is_production
    )


@lru_cache(maxsize=_MOST_DOMAINS)
def _is_plain_domain(domain: str, is_production: bool) -> bool:
    """Whether the library takes `domain` and leaves it as it is.

    Most of its time goes into the domain, and most people have theirs from a few providers.
    """
    try:
        return _check(f"a@{domain}", is_production).domain == domain
    except EmailNotValidError:
        return False


def ascii_domain(domain: str) -> str:
    """A domain as DNS has it: A-labels in small letters (IDNA 2008 after UTS 46).

    What has no such form stays as it is; nothing will be found under it.
    """
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain


def mask_addresses(text: str) -> str:
    """Text such as a mail server's reply, with every address in it masked."""
    return _IN_TEXT.sub(lambda found: mask_address(found[0]), text)


# Providers that put differently written addresses into one mailbox, as each documents it: other domains of the
# same mailbox, marks in the local part that do not count, and the sign that begins a tag besides `+`.
_MAILBOX_DOMAINS = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
    "ya.ru": "yandex.ru",
    **dict.fromkeys((f"yandex.{end}" for end in ("by", "com", "kz", "ua", "uz")), "yandex.ru"),
}
_IGNORED_MARKS: dict[str, dict[str, str | int | None]] = {
    "gmail.com": {".": ""},
    "proton.me": {".": "", "_": "", "-": ""},
    "yandex.ru": {".": "-"},
}
_YAHOO = re.compile(r"(?:my)?yahoo\.[a-z.]+|ymail\.com|rocketmail\.com")
_FASTMAIL = re.compile(r"([^.]+)\.(fastmail\.(?:com|fm))")


def mailbox_of(address: Address) -> str:
    """The mailbox an address leads to, as far as its provider tells: a key for limits and nothing else.

    The tag after `+` is off; Gmail and Proton ignore dots, Yahoo begins a tag with `-`, Fastmail puts the user
    into the domain. People stay apart by `Address.normal` (C-084).
    """
    local, domain = address.normal.rpartition("@")[0], address.domain
    inside = _FASTMAIL.fullmatch(domain)
    if inside is not None:
        local, domain = inside.groups()
    domain = _MAILBOX_DOMAINS.get(domain, domain)
    bare = local.partition("+")[0]
    if _YAHOO.fullmatch(domain):
        bare = bare.partition("-")[0]
    if domain in _IGNORED_MARKS:
        bare = bare.translate(str.maketrans(_IGNORED_MARKS[domain]))
    return f"{bare or local}@{domain}"


def mask_address(address: str) -> str:
    """`name@example.org` as `n···@example.org`: enough to recognise one's own, no more (S-003)."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}···@{domain}" if at else "···"
