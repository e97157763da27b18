"""The catcher's letter box: a directory with one file for each mail.

A file's first line is a JSON object, the envelope; all that follows is the mail as it came. Files
appear whole or not at all, so that the catcher writes and the inbox reads without a lock.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path

from mailer.foundation import clock
from mailer.foundation.errors import NotFound

_MAIL_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}-[0-9a-f]{8}")
_SUFFIX = ".mail"


@dataclass(frozen=True)
class Envelope:
    """What the SMTP conversation said, and the subject for the list.

    `received_at` is UTC in ISO 8601; `size` is in bytes.
    """

    sender: str
    recipients: list[str]
    received_at: str
    subject: str
    size: int


@dataclass(frozen=True)
class CaughtMail:
    """One mail in the box; its content is read when it is asked for."""

    mail_id: str
    envelope: Envelope
    path: Path

    @cached_property
    def raw(self) -> bytes:
        """The mail as it came. Raises NotFound when it was cleared away meanwhile."""
        try:
            return self.path.read_bytes().partition(b"\n")[2]
        except FileNotFoundError:
            raise NotFound("This mail is no longer kept.") from None

    @cached_property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)

    @cached_property
    def headers(self) -> list[tuple[str, str, str]]:
        """Each header as (name, decoded, as it came), in the mail's order."""
        return [
            (name, decode_header_value(_repair(str(value))), _repair(str(value)))
            for name, value in self.message.raw_items()
        ]

    def find_header(self, name: str) -> str | None:
        """Return the first header of this name, decoded, or None."""
        same = (value for own, value, _ in self.headers if own.casefold() == name.casefold())
        return next(same, None)

    def find_part(self, subtype: str) -> str | None:
        """Return the text of the first inline part text/`subtype`, or None."""
        for part in self.message.walk():
            is_wanted = part.get_content_type() == f"text/{subtype}"
            if is_wanted and part.get_content_disposition() != "attachment":
                return _decode_part(part)
        return None


def _decode_part(part: EmailMessage) -> str:
    try:
        content: str = part.get_content()
    except (LookupError, KeyError, ValueError):
        # An unknown charset or a broken encoding is still to be seen.
        payload = part.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)
    return content


class LetterBox:
    """The directory and its rules: newest first, never more than `keep` mails."""

    def __init__(self, directory: Path, *, keep: int = 2000) -> None:
        self._directory = directory
        self._keep = keep
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, sender: str, recipients: Sequence[str], raw: bytes) -> str:
        """Keep a mail that has just come; return its id. Ids sort by time."""
        now = clock.now()
        envelope = Envelope(sender, list(recipients), clock.iso(now), read_subject(raw), len(raw))
        mail_id = f"{now:%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}"
        first_line = json.dumps(asdict(envelope)).encode()
        unfinished = self._directory / f"{mail_id}.part"
        unfinished.write_bytes(first_line + b"\n" + raw)
        unfinished.replace(self._directory / f"{mail_id}{_SUFFIX}")
        return mail_id

    def prune(self) -> None:
        """Remove the oldest mails above the limit."""
        for mail_id in self.list_ids()[self._keep :]:
            self._path(mail_id).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all mails."""
        for mail_id in self.list_ids():
            self._path(mail_id).unlink(missing_ok=True)

    def list_ids(self) -> list[str]:
        """Return all ids, newest first."""
        names = (path.name.removesuffix(_SUFFIX) for path in self._directory.iterdir())
        return sorted(filter(_MAIL_ID.fullmatch, names), reverse=True)

    def iter_mails(self, *, to: str = "", before: str = "") -> Iterator[CaughtMail]:
        """Yield mails newest first: those whose recipient contains `to`, older than id `before`."""
        wanted = to.strip().casefold()
        for mail_id in self.list_ids():
            if before and mail_id >= before:
                continue
            with contextlib.suppress(NotFound):
                mail = self.get_mail(mail_id)
                if any(wanted in address.casefold() for address in mail.envelope.recipients):
                    yield mail

    def get_mail(self, mail_id: str) -> CaughtMail:
        """Return one mail. Raises NotFound."""
        path = self._path(mail_id)
        try:
            with path.open("rb") as file:
                first_line = file.readline()
        except FileNotFoundError:
            raise NotFound("This mail is no longer kept.") from None
        return CaughtMail(mail_id, Envelope(**json.loads(first_line)), path)

    def _path(self, mail_id: str) -> Path:
        if _MAIL_ID.fullmatch(mail_id) is None:
            raise NotFound("There is no such mail.")
        return self._directory / f"{mail_id}{_SUFFIX}"


def read_subject(raw: bytes) -> str:
    """Return the decoded subject of a mail, on one line; "" when there is none."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0].decode(errors="replace")
    subject = HeaderParser(policy=policy.compat32).parsestr(head + "\n\n").get("Subject", "")
    return decode_header_value(str(subject))


def decode_header_value(raw: str) -> str:
    """Return a header's value unfolded, its encoded words (RFC 2047) decoded where they can be."""
    unfolded = " ".join(raw.split())
    try:
        return " ".join(str(make_header(decode_header(unfolded))).split())
    except (LookupError, ValueError):
        return unfolded


def _repair(value: str) -> str:
    """Read header bytes beyond ASCII as the UTF-8 that RFC 6532 allows there."""
    return value.encode(errors="surrogateescape").decode(errors="replace")
