"""E-mail addresses: checked strictly, kept as given, compared by one normal form (E-008, C-084).

What people type or paste is read by `typed_addresses.py`; this file judges one address as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import idna
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid
from mailer.foundation.tokens import keyed_digest

LONGEST_ADDRESS = 254
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_MOST_DOMAINS = 256
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


def unicode_domain(domain: str) -> str:
    """A domain with its A-labels as people read them (RFC 5890); a label that is none stays as it is."""
    return ".".join(map(_unicode_label, domain.split(".")))


def _unicode_label(label: str) -> str:
    try:
        return idna.decode(label.lower()) if label.lower().startswith("xn--") else label
    except idna.IDNAError:
        return label


def mask_address(address: str) -> str:
    """`name@example.org` as `n···@example.org`: enough to recognise one's own, no more (S-003)."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}···@{domain}" if at else "···"


# Signs of an at: itself, and as it stands in URLs, in quoted-printable, and in the xtext of RFC 3461, 4.
_AT = r"(?:[@＠﹫]|%(?:25)?40|=40|\+40|&#(?:64|x40);|&commat;)"
_OUTSIDE = r"\s<>()\[\],;:\"@＠﹫"
_ADDRESS = re.compile(
    rf'(?P<local>"(?:[^"\\\n]|\\.){{1,64}}"|[^{_OUTSIDE}]{{1,200}}?){_AT}'
    rf"(?P<domain>\[[^\]\s]{{1,60}}\]|[^{_OUTSIDE}'=/?&\\]{{1,254}})",
    re.IGNORECASE,
)
# An address as mailing programs write it into their own (VERP): name=example.org.
_VERP = re.compile(
    rf"(?<![^{_OUTSIDE}'/?&|])(?P<local>[^{_OUTSIDE}'=/?&|]{{1,64}})(?:=|%3D)"
    r"(?P<domain>(?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_](?:[\w-]{1,62}))",
    re.IGNORECASE,
)
# What stands before a host name in the replies of mail servers; names no person.
_NO_PERSON = frozenset(
    [
        "by",
        "client",
        "d",
        "domain",
        "envelope-from",
        "from",
        "header.d",
        "header.from",
        "helo",
        "ehlo",
        "host",
        "i",
        "ip",
        "mx",
        "name",
        "ns",
        "ptr",
        "rdns",
        "relay",
        "s",
        "server",
        "site",
        "smtp",
        "smtp.helo",
        "smtp.mailfrom",
        "spf",
        "to",
        "url",
        "via",
        "zone",
    ]
)


def mask_addresses(text: str, known: str | None = None) -> str:
    """Free text, such as the reply of a mail server, with every address in it masked as by `mask_address`.

    However it is written: in capitals, with a domain in A-labels, percent-encoded, in angle brackets, in the
    forms of VERP and SRS. Of `known`, the address that the text is about, the local part is masked also where
    it stands alone ("user name unknown").
    """
    text = _ADDRESS.sub(_masked, text)
    text = _VERP.sub(
        lambda found: found[0] if found["local"].lower() in _NO_PERSON else _masked(found), text
    )
    for name in _names_of(known) if known else ():
        text = name.sub(lambda found: f"{found[0][:1]}···", text)
    return text


def _masked(found: re.Match[str]) -> str:
    domain = found["domain"].rstrip(".'!")
    return (
        mask_address(f"{found['local'].strip(chr(34))}@{domain}") + found["domain"][len(domain) :]
    )


def _names_of(address: str) -> list[re.Pattern[str]]:
    """The local part of an address in its spellings, the longest first, as words of a text."""
    local = address.rpartition("@")[0]
    base = local.partition("+")[0]
    spelled = {form(one) for one in (local, base) for form in (str, quote, _in_xtext)}
    spelled |= {unicodedata.normalize("NFD", one) for one in (local, base)}
    words = sorted((one for one in spelled if len(one) > 1), key=len, reverse=True)
    return [re.compile(rf"(?<!\w){re.escape(one)}(?!\w|···)", re.IGNORECASE) for one in words]


def _in_xtext(text: str) -> str:
    return text.replace("+", "+2B").replace("=", "+3D")
