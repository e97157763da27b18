"""A mail as bytes on the wire (RFC 5322, 2045, 2046): put together here, for the standard library
takes more than a millisecond a mail and encodes headers that must not be.

What always holds: CRLF line ends only, body lines of at most 76 characters, no byte above 127
except in an address that needs SMTPUTF8, and one each of From, To, Subject, Date, Message-ID and
MIME-Version (E-001 to E-006).
"""

from __future__ import annotations

import re
from base64 import encodebytes
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

from mailer.foundation.errors import Invalid
from mailer.rendering.headers import (
    address_header,
    ascii_domain,
    reject_line_ends,
    structured_header,
    text_header,
)
from mailer.rendering.quoted import encode_text

_OWN_NAMES = (
    "from to cc bcc reply-to subject date message-id mime-version content-type"
    " content-transfer-encoding"
)
_OWN = frozenset(_OWN_NAMES.split())
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,150}@[A-Za-z0-9.-]{1,253}")
PART = (
    b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
)
ALTERNATIVE = b'Content-Type: multipart/alternative;\r\n boundary="%b"\r\n'

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a mail; its name is plain ASCII without a path."""

    filename: str
    media_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail to one recipient. `message_id` stands without angle brackets (its domain may
    be in any script), `date` is aware.

    `headers` are further fields, such as the List-* ones: ASCII, each name at most once.
    Mails of one `boundary_of` share what separates their parts; else it is made of `message_id`.
    """

    from_name: str
    from_address: str
    to_address: str
    to_name: str | None
    reply_to: str | None
    subject: str
    text: str
    html: str | None
    message_id: str
    date: datetime
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    boundary_of: str = ""


def needs_smtputf8(mail: Mail) -> bool:
    """Tell whether an address has a non-ASCII local part and so needs SMTPUTF8 (RFC 6531)."""
    addresses = (mail.from_address, mail.to_address, mail.reply_to or "")
    return any(not address.rpartition("@")[0].isascii() for address in addresses)


def compose(mail: Mail) -> bytes:
    """Return the mail as bytes with CRLF line ends, not dot-stuffed.

    Raises Invalid, naming the field, for a line end in a header (E-005), an address or Message-ID
    that cannot be used, an extra header that is double or ours, non-ASCII in a structured header,
    a naive date, and an empty text part.
    """
    if not mail.text.strip():
        raise Invalid("The text part is empty.", {"text": "This cannot be empty."})
    if mail.date.tzinfo is None:
        raise Invalid("The date has no time zone.", {"date": "This needs a time zone."})
    message_id = wire_message_id(mail.message_id)
    head = [
        address_header("From", mail.from_name, mail.from_address),
        to_line(mail),
        *([address_header("Reply-To", None, mail.reply_to)] if mail.reply_to else []),
        text_header("Subject", mail.subject),
        date_line(mail.date),
        f"Message-ID: <{message_id}>\r\n".encode("ascii"),
        *_extra_headers(mail.headers),
        b"MIME-Version: 1.0\r\n",
    ]
    boundary, outer = boundaries_of(mail.boundary_of or message_id)
    if not mail.attachments:
        return b"".join([*head, *_words(mail, boundary)])
    parts: list[bytes] = []
    for part in (_words(mail, boundary), *map(_file, mail.attachments)):
        parts += [b"\r\n--" + outer + b"\r\n", *part]
    kind = b'Content-Type: multipart/mixed;\r\n boundary="' + outer + b'"\r\n'
    return b"".join([*head, kind, *parts, b"\r\n--" + outer + b"--\r\n"])


def to_line(mail: Mail) -> bytes:
    """The header field that names the recipient. Raises Invalid for an address that cannot be used."""
    return address_header("To", mail.to_name, mail.to_address)


def date_line(date: datetime) -> bytes:
    """The header field that tells when (RFC 5322, 3.6.1)."""
    return f"Date: {format_datetime(date)}\r\n".encode("ascii")


def boundaries_of(name: str) -> tuple[bytes, bytes]:
    """What separates the parts of a mail, inner and outer; quoted-printable text never holds them."""
    marks = sha256(name.encode()).hexdigest().encode()
    return b"=_" + marks[:32], b"=_" + marks[32:]


def _words(mail: Mail, boundary: bytes) -> list[bytes]:
    """What there is to read: the text alone, or text and HTML to choose from."""
    text = encode_text(mail.text, "text")
    if mail.html is None:
        return [PART % b"plain", text, b"" if text.endswith(b"\n") else b"\r\n"]
    return [
        ALTERNATIVE % boundary,
        b"\r\n--" + boundary + b"\r\n" + PART % b"plain",
        text,
        b"\r\n--" + boundary + b"\r\n" + PART % b"html",
        encode_text(mail.html, "html"),
        b"\r\n--" + boundary + b"--\r\n",
    ]


def _file(attachment: Attachment) -> list[bytes]:
    if not _FILENAME.fullmatch(attachment.filename):
        raise Invalid("A file has no usable name.", {"attachments": "Use letters and digits."})
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise Invalid("A file has no usable type.", {"attachments": "Use a plain media type."})
    head = (
        f"Content-Type: {attachment.media_type}\r\n"
        f'Content-Disposition: attachment; filename="{attachment.filename}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return [head.encode("ascii"), encodebytes(attachment.body).replace(b"\n", b"\r\n")]


def wire_message_id(message_id: str) -> str:
    """A Message-ID as it stands on the wire. Raises Invalid when it cannot."""
    local, _, domain = message_id.rpartition("@")
    wire = f"{local}@{ascii_domain('message_id', domain)}"
    if not _MESSAGE_ID.fullmatch(wire) or "=?" in wire:
        raise Invalid("The Message-ID is not usable.", {"message_id": "Use local@domain."})
    return wire


def _extra_headers(headers: tuple[tuple[str, str], ...]) -> list[bytes]:
    lines: list[bytes] = []
    seen = set(_OWN)
    for name, value in headers:
        reject_line_ends("headers", name)
        if name.lower() in seen:
            raise Invalid(f"The header {name} is there already.", {"headers": f"{name} is double."})
        seen.add(name.lower())
        lines.append(structured_header(name, value))
    return lines
