"""From an envelope to the octets one connection will see, or the reason why not (pure)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import idna

from mailer.transport.envelopes import Envelope
from mailer.transport.features import Features

_PLAIN: Final = re.compile(r'[^\x00-\x20\x7f<>"@]+@[^\x00-\x20\x7f<>"@]+')
_QUOTED: Final = re.compile(
    r'"(?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*"@[^\x00-\x20\x7f<>"@]+'
)  # RFC 5321 §4.1.2


class Letter(NamedTuple):
    """A mail in the form in which this connection will see it."""

    envelope: Envelope
    mail: bytes  # the MAIL command
    rcpt: bytes  # the RCPT command
    content: bytes  # dot-stuffed, ending in CRLF, without the final dot


class Refusal(NamedTuple):
    """Why a mail cannot be put on this wire, in the codes a relay would have used."""

    code: int | None
    enhanced: str | None
    text: str


class _Unusable(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def write_letter(envelope: Envelope, features: Features) -> Letter | Refusal:
    """The letter for `envelope` on a connection with `features`, or a permanent refusal.

    Non-ASCII domains travel as A-labels; a non-ASCII local part needs SMTPUTF8 (E-007, RFC 6531).
    Eight-bit content needs 8BITMIME (RFC 6152), and the size must fit (RFC 1870).
    """
    body = envelope.body
    eight_bit = not body.isascii()
    if eight_bit and not features.eight_bit:
        return Refusal(554, "5.6.3", "The relay does not take the 8-bit octets of this mail.")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    if features.most_octets and len(body) > features.most_octets:
        most = features.most_octets
        return Refusal(552, "5.3.4", f"The mail has {len(body)} octets, the relay takes {most}.")
    try:
        sender = _path(envelope.mail_from, features, "5.1.7") if envelope.mail_from else b""
        recipient = _path(envelope.rcpt_to, features, "5.1.3")
    except _Unusable as unusable:
        return unusable.refusal
    utf8 = not (sender.isascii() and recipient.isascii())
    mail = b"MAIL FROM:<" + sender + b">"
    if features.has_size:
        mail += b" SIZE=%d" % len(body)
    if (eight_bit or utf8) and features.eight_bit:
        mail += b" BODY=8BITMIME"
    if utf8:
        mail += b" SMTPUTF8"
    return Letter(
        envelope=envelope,
        mail=mail + b"\r\n",
        rcpt=b"RCPT TO:<" + recipient + b">\r\n",
        content=_stuffed(body) if envelope.has_dots else body,
    )


def _stuffed(body: bytes) -> bytes:
    """`body` with every leading dot doubled (RFC 5321 §4.5.2)."""
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _path(address: str, features: Features, bad_syntax: str) -> bytes:
    """The octets of `address` between the angle brackets. Raises _Unusable."""
    if not (_PLAIN.fullmatch(address) or _QUOTED.fullmatch(address)):
        raise _Unusable(Refusal(553, bad_syntax, f"{address!r} is not a mail address."))
    if address.isascii():
        return address.encode("ascii")
    local, _, domain = address.rpartition("@")
    if not address.isprintable():
        raise _Unusable(Refusal(553, bad_syntax, f"{address!r} is not a mail address."))
    if not local.isascii() and not features.smtputf8:
        text = f"The relay cannot carry the non-ASCII local part of {address}."
        raise _Unusable(Refusal(553, "5.6.7", text))
    try:
        ascii_domain = domain.encode() if domain.isascii() else idna.encode(domain, uts46=True)
    except idna.IDNAError:
        text = f"The domain of {address} has no ASCII form."
        raise _Unusable(Refusal(553, bad_syntax, text)) from None
    return local.encode() + b"@" + ascii_domain
