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
    content: bytes  # dot-stuffed, ending in CRLF, without the final dot; or a whole BDAT chunk
    is_chunk: bool = False


class Refusal(NamedTuple):
    """Why a mail cannot be put on this wire, in the codes a relay would have used."""

    code: int | None
    enhanced: str | None
    text: str


class _Unusable(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class LetterWriter:
    """Writes the letters of one connection, whose `features` do not change any more."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self._sender: str | None = None  # the last one, and its MAIL command up to the parameters
        self._mail = b""

    def write(self, envelope: Envelope) -> Letter | Refusal:
        """The letter for `envelope`, or a permanent refusal.

        Non-ASCII domains travel as A-labels; a non-ASCII local part needs SMTPUTF8 (E-007, RFC
        6531). Eight-bit content needs 8BITMIME (RFC 6152), and the size must fit (RFC 1870).
        Where CHUNKING is offered the mail becomes one BDAT chunk (RFC 3030), else DATA.
        """
        features, body, recipient = self._features, envelope.body, envelope.rcpt_to
        if not (
            body.isascii()
            and recipient.isascii()
            and envelope.mail_from == self._sender
            and _PLAIN.fullmatch(recipient)
        ):
            return self._write_slowly(envelope)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        size = len(body)
        if 0 < features.most_octets < size:
            return _too_large(size, features.most_octets)
        return Letter(
            envelope,
            b"%b SIZE=%d\r\n" % (self._mail, size) if features.has_size else self._mail + b"\r\n",
            b"RCPT TO:<%b>\r\n" % recipient.encode("ascii"),
            self._content(envelope, body),
            features.chunking,
        )

    def _write_slowly(self, envelope: Envelope) -> Letter | Refusal:
        """What may hold a surprise: another sender, or anything that is not plain ASCII."""
        features, body = self._features, envelope.body
        eight_bit = not body.isascii()
        if eight_bit and not features.eight_bit:
            return Refusal(554, "5.6.3", "The relay does not take the 8-bit octets of this mail.")
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        if 0 < features.most_octets < len(body):
            return _too_large(len(body), features.most_octets)
        try:
            sender = _path(envelope.mail_from, features, "5.1.7") if envelope.mail_from else b""
            recipient = _path(envelope.rcpt_to, features, "5.1.3")
        except _Unusable as unusable:
            return unusable.refusal
        mail = b"MAIL FROM:<" + sender + b">"
        if sender.isascii():
            self._sender, self._mail = envelope.mail_from, mail
        utf8 = not (sender.isascii() and recipient.isascii())
        if features.has_size:
            mail += b" SIZE=%d" % len(body)
        if (eight_bit or utf8) and features.eight_bit:
            mail += b" BODY=8BITMIME"
        if utf8:
            mail += b" SMTPUTF8"
        return Letter(
            envelope,
            mail + b"\r\n",
            b"RCPT TO:<" + recipient + b">\r\n",
            self._content(envelope, body),
            features.chunking,
        )

    def _content(self, envelope: Envelope, body: bytes) -> bytes:
        if self._features.chunking:
            return b"BDAT %d LAST\r\n%b" % (len(body), body)
        return _stuffed(body) if envelope.has_dots else body


def _too_large(octets: int, most: int) -> Refusal:
    return Refusal(552, "5.3.4", f"The mail has {octets} octets, the relay takes {most}.")


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
