"""The list of erasures, kept outside the database, so that a restored backup is erased again (C-092).

One JSON object a line, appended and forced to the disk before an erasure destroys anything. A line holds
names of rows and the keyed digest of the address, nothing that can be read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mailer.contacts import Contact
from mailer.erasures.models import Erasure
from mailer.foundation import keystore
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import MailerError, Unavailable
from mailer.organisations import Organisation

FIRST_FORM = 1


class RegisterDamaged(MailerError):
    """A line of the list cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An erasure that was asked for. Times are ISO 8601 in UTC, the commitment is hexadecimal."""

    erasure: str
    organisation: str
    contact: str
    subjects: tuple[str, ...]
    address_digest: str
    asked_by: str
    record_count: int
    algorithm: str
    commitment: str
    erased_at: str


def register_path() -> Path:
    """Where the list lies."""
    return settings().erasure_list


def append(entry: Entry) -> None:
    """Write one line and force it to the disk. Raises Unavailable; then nothing may be destroyed."""
    path = register_path()
    line = json.dumps({"form": FIRST_FORM, **asdict(entry)}, separators=(",", ":")) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, _after_torn_line(descriptor) + line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unavailable(
            f"The list of erasures cannot be written ({path}: {error.strerror}). Nothing was erased."
        ) from error


def iter_entries() -> Iterator[Entry]:
    """Every erasure that was ever asked for, oldest first.

    A last line that was cut off by a crash belongs to an erasure that destroyed nothing, and is passed
    over. Raises RegisterDamaged for any other line that cannot be read.
    """
    path = register_path()
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip() or not line.endswith(b"}\n"):
                continue
            try:
                yield _read(json.loads(line))
            except (ValueError, TypeError, KeyError):
                raise RegisterDamaged(
                    f"{path}, line {number}, cannot be read. Put the list back from its copy."
                ) from None


def _read(found: Any) -> Entry:
    values = {key: value for key, value in dict(found).items() if key != "form"}
    return Entry(**{**values, "subjects": tuple(values["subjects"])})


def _after_torn_line(descriptor: int) -> bytes:
    """A line end, where a crash left the last line without one."""
    size = os.fstat(descriptor).st_size
    return b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""


SLICE = 500


def list_unapplied(*, limit: int = 1_000) -> list[Entry]:
    """Erasures of the list that the database or the key store does not know of, oldest first."""
    found: list[Entry] = []
    part: list[Entry] = []
    for entry in iter_entries():
        part.append(entry)
        if len(part) == SLICE:
            found += _unapplied(part)
            part = []
        if len(found) >= limit:
            return found[:limit]
    return [*found, *_unapplied(part)][:limit]


def find_erasure(contact: Contact) -> Erasure | None:
    """The erasure that left this empty shell of a contact."""
    return db.session.scalar(sa.select(Erasure).where(Erasure.contact_id == contact.id))


def _unapplied(entries: Sequence[Entry]) -> list[Entry]:
    """Those whose row is missing, whose contact is still there, or whose keys are."""
    if not entries:
        return []
    names = [name for entry in entries for name in entry.subjects]
    known = set(
        db.session.scalars(
            sa.select(Erasure.public_id).where(Erasure.public_id.in_([e.erasure for e in entries]))
        )
    )
    alive = set(
        db.session.scalars(
            sa.select(Contact.public_id).where(
                Contact.public_id.in_([entry.contact for entry in entries]),
                Contact.erased_at.is_(None),
            )
        )
    )
    here = set(db.session.scalars(sa.select(Organisation.public_id)))
    keys = keystore.find_many(names).keys()
    return [
        entry
        for entry in entries
        if (entry.organisation in here and (entry.erasure not in known or entry.contact in alive))
        or keys & set(entry.subjects)
    ]
