"""The one writer of records: the payload in its canonical form, the commitment to it, and the rows.

A payload is the RFC 8785 form of an object whose names are known and whose values are ids and words of our own,
so it is written down member by member; only what a list says of itself and the evidence go through the full
form (T-001).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from mailer.consent.canonical import canonical_json
from mailer.consent.models import ConsentRecord
from mailer.consent.states import DPV_TERMS, ConsentState, Matter
from mailer.foundation import driver
from mailer.foundation.clock import iso
from mailer.foundation.ids import new_id
from mailer.lists import MailingList
from mailer.organisations import Organisation

ALGORITHM = "sha256-salted-jcs-v1"
SALT_BYTES = 32
# Rows that are written together name each other by public ids, so that none has to be read back.
SUBJECT_ID: Final = "(SELECT id FROM consent_subjects WHERE public_id = ?)"
RECORD_ID: Final = "(SELECT id FROM consent_records WHERE public_id = ?)"
_DOMAIN: Final = b"mailer.consent.v1\x00"
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_PAYLOAD: Final = (
    b'{"ends":%b,"evidence":%b,"follows":%b,"mailing_list":%b,"matter":"%b","organisation":"%b","record":"%b",'
    b'"recorded_at":"%b","schema":"mailer.consent/1","state":"%b","status":"%b","subject":"%b"}'
)
_ADD_RECORD: Final = (
    "INSERT INTO consent_records (public_id, organisation_id, subject_id, matter, mailing_list_id, state,"  # noqa: S608  # made of constants and marks
    " algorithm, commitment, recorded_at, given_at, follows_id, ends_id)"
    f" VALUES (?, ?, {SUBJECT_ID}, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_PAYLOAD: Final = (
    "INSERT INTO consent_payloads (record_id, subject_id, sealed)"  # noqa: S608  # made of constants and marks
    f" VALUES ({RECORD_ID}, {SUBJECT_ID}, ?)"
)

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a consent is about: mail of one list, or (without a list) tracking."""

    mailing_list: MailingList | None

    @property
    def matter(self) -> Matter:
        return Matter.TRACKING if self.mailing_list is None else Matter.MAILING


TRACKING = About(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record as it shall read. `subject` is a public id, `evidence` in canonical form, `given_at` the moment
    of a consent that was given elsewhere.
    """

    organisation: Organisation
    about: About
    state: ConsentState
    subject: str
    evidence: bytes
    moment: datetime
    given_at: datetime | None = None
    follows: ConsentRecord | None = None
    ends: tuple[int, str] | None = None  # row id and public id of the record that it ends


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record that is committed to and sealed, ready to be written."""

    public_id: str
    record_row: driver.Row
    payload_row: driver.Row


def seal_record(draft: Draft, seal: Callable[[bytes, str], bytes]) -> SealedRecord:
    """Commit to a record and seal its payload; `seal` encrypts under the person's key (`cipher.sealer`)."""
    name, salt, about = new_id("rec"), secrets.token_bytes(SALT_BYTES), draft.about
    canonical = payload_of(draft, name, described(about.mailing_list))
    at, given_at = driver.moment_in(draft.moment), draft.given_at
    return SealedRecord(
        name,
        (
            *(name, draft.organisation.id, draft.subject),
            *(about.matter.value, about.mailing_list.id if about.mailing_list else None),
            *(draft.state.value, ALGORITHM, commitment(salt, canonical), at),
            None if given_at is None else driver.moment_in(min(given_at, draft.moment)),
            draft.follows.id if draft.follows else None,
            draft.ends[0] if draft.ends else None,
        ),
        (name, draft.subject, seal(salt + canonical, f"consent_payloads.{name}")),
    )


def write_records(records: Sequence[SealedRecord]) -> None:
    """Write records and payloads; their subjects are there. The database refuses what may not be."""
    driver.execute_each(_ADD_RECORD, [one.record_row for one in records])
    driver.execute_each(_ADD_PAYLOAD, [one.payload_row for one in records])


def payload_of(draft: Draft, record: str, mailing_list: Mapping[str, Any] | None) -> bytes:
    """The canonical form of a payload; `record` is its public id, the list as `described`."""
    ends = draft.ends[1] if draft.ends else None
    return _PAYLOAD % (
        _id_or_null(ends),
        draft.evidence,
        _id_or_null(draft.follows.public_id if draft.follows else None),
        b"null" if mailing_list is None else _list_form(tuple(mailing_list.items())),
        draft.about.matter.value.encode(),
        _id(draft.organisation.public_id),
        _id(record),
        iso(draft.moment).encode(),
        draft.state.value.encode(),
        DPV_TERMS[draft.state].encode(),
        _id(draft.subject),
    )


def commitment(salt: bytes, canonical: bytes) -> bytes:
    """SHA-256 over a domain tag, a 32-byte salt and the RFC 8785 form of a payload (T-005)."""
    return hashlib.sha256(_DOMAIN + salt + canonical).digest()


def described(mailing_list: MailingList | None) -> dict[str, Any] | None:
    """A list as it stands now, as payloads tell it."""
    if mailing_list is None:
        return None
    return {
        "id": mailing_list.public_id,
        "name": mailing_list.name,
        "description": mailing_list.description,
        "frequency": mailing_list.frequency,
        "purpose": mailing_list.purpose.sentence,
        "lawful_basis": mailing_list.purpose.lawful_basis.value,
        "retention_months": mailing_list.purpose.retention_months,
    }


@lru_cache(maxsize=256)
def _list_form(facts: tuple[tuple[str, Any], ...]) -> bytes:
    return canonical_json(dict(facts))


def _id(name: str) -> bytes:
    if _ID.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no public id")
    return name.encode()


def _id_or_null(name: str | None) -> bytes:
    return b"null" if name is None else b'"%b"' % _id(name)
