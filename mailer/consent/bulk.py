"""Many records at once: the answers of a form, prepared without a database, and a slice of an import."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from mailer.consent.canonical import canonical_json
from mailer.consent.models import ConsentRecord, ConsentSubject
from mailer.consent.records import (
    About,
    Draft,
    Evidence,
    SealedRecord,
    seal_record,
    write_records,
)
from mailer.consent.reserving import take_key
from mailer.consent.states import ConsentState
from mailer.consent.subjects import get_subject, key_of, place_of_key
from mailer.foundation import cipher, driver, keystore
from mailer.foundation.cipher import CannotOpen
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.ids import new_id
from mailer.lists import MailingList
from mailer.organisations import Organisation

_ADD_SUBJECT: Final = (
    "INSERT INTO consent_subjects (public_id, organisation_id, created_at) VALUES (?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class SealedAnswers:
    """What one person answered, ready to be written: a new subject, and a record for each box in order."""

    subject: str
    subject_row: driver.Row
    records: tuple[SealedRecord, ...]


def seal_answers(
    organisation: Organisation, answers: Sequence[tuple[About, bool]], evidence: Evidence
) -> SealedAnswers:
    """A form was submitted: a new subject, and for each box a `requested` record if it was ticked, a
    `refused` one if not (R-008, C-047).

    Nothing is written yet but the subject's key. Raises Unavailable.
    """
    (subject, key), moment = take_key(), now()
    shared, seal = canonical_json(evidence), cipher.sealer(key)
    records = [
        seal_record(
            Draft(
                organisation=organisation,
                about=about,
                state=ConsentState.REQUESTED if is_ticked else ConsentState.REFUSED,
                subject=subject,
                evidence=shared,
                moment=moment,
            ),
            seal,
        )
        for about, is_ticked in answers
    ]
    row = (subject, organisation.id, driver.moment_in(moment))
    return SealedAnswers(subject, row, tuple(records))


def record_answers(many: Sequence[SealedAnswers]) -> None:
    """Write what people answered: subjects, records and payloads."""
    driver.execute_each(_ADD_SUBJECT, [one.subject_row for one in many])
    write_records([record for one in many for record in one.records])


@dataclass(frozen=True, slots=True)
class Keyed:
    """A person in the ledger with the key of their evidence at hand."""

    id: int
    public_id: str
    key: bytes


def create_subjects(organisation: Organisation, count: int) -> list[Keyed]:
    """Like `create_subject`, for `count` people at once (T-006)."""
    if not count:
        return []
    keys = {new_id("sub"): cipher.new_key() for _ in range(count)}
    keystore.put_many(
        {name: cipher.seal(key, bound_to=place_of_key(name)) for name, key in keys.items()}
    )
    moment = now()
    made = db.session.execute(
        sa.insert(ConsentSubject).returning(ConsentSubject.id, ConsentSubject.public_id),
        [
            {"public_id": name, "organisation_id": organisation.id, "created_at": moment}
            for name in keys
        ],
    )
    return [Keyed(row.id, row.public_id, keys[row.public_id]) for row in made]


def keyed_subjects(subject_ids: Collection[int]) -> dict[int, Keyed]:
    """People who are in the ledger, by row id, with their keys; those who were erased are left out."""
    rows = db.session.execute(
        sa.select(ConsentSubject.id, ConsentSubject.public_id).where(
            ConsentSubject.id.in_(subject_ids), ConsentSubject.erased_at.is_(None)
        )
    ).all()
    stored = keystore.find_many(row.public_id for row in rows)
    found = {}
    for row in rows:
        sealed = stored.get(row.public_id)
        try:
            key = sealed and cipher.open_sealed(sealed, bound_to=place_of_key(row.public_id))
        except CannotOpen:
            key = None
        # One whose key is lost gets a new one.
        found[row.id] = Keyed(row.id, row.public_id, key or key_of(get_subject(row.id)))
    return found


def record_imported_many(
    organisation: Organisation,
    mailing_list: MailingList,
    state: ConsentState,
    drafts: Sequence[tuple[Keyed, Mapping[str, Any], datetime | None]],
) -> list[int]:
    """Record what an import says of many people about one list; returns row ids in the order of `drafts`.

    GIVEN for an imported consent with its proof, UNKNOWN for one without (C-049, R-007). The third of each
    draft is when the consent was given elsewhere, which every given one has.
    """
    if state not in (ConsentState.GIVEN, ConsentState.UNKNOWN):
        raise ValueError(f"an import records no {state}")
    if state is ConsentState.GIVEN and any(given_at is None for *_, given_at in drafts):
        raise ValueError("an imported consent without the moment when it was given")
    return _record_many(
        organisation,
        mailing_list,
        state,
        [(subject, evidence, None, given_at) for subject, evidence, given_at in drafts],
    )


def record_terminated_many(
    organisation: Organisation,
    mailing_list: MailingList,
    drafts: Sequence[tuple[Keyed, Mapping[str, Any], int]],
) -> list[int]:
    """End given records by word of the organisation; each draft names the row id of the record it ends.

    The database refuses one that has ended already or that an active membership still cites.
    """
    return _record_many(
        organisation,
        mailing_list,
        ConsentState.TERMINATED,
        [(*draft, None) for draft in drafts],
    )


def _record_many(
    organisation: Organisation,
    mailing_list: MailingList,
    state: ConsentState,
    drafts: Sequence[tuple[Keyed, Mapping[str, Any], int | None, datetime | None]],
) -> list[int]:
    moment, about = now(), About(mailing_list)
    ended = _by_id([ends for _, _, ends, _ in drafts if ends is not None])
    records = [
        seal_record(
            Draft(
                organisation=organisation,
                about=about,
                state=state,
                subject=subject.public_id,
                evidence=canonical_json(evidence),
                moment=moment,
                given_at=given_at,
                ends=(ends, ended[ends]) if ends is not None else None,
            ),
            cipher.sealer(subject.key),
        )
        for subject, evidence, ends, given_at in drafts
    ]
    write_records(records)
    names = [record.public_id for record in records]
    made = db.session.execute(
        sa.select(ConsentRecord.public_id, ConsentRecord.id).where(
            ConsentRecord.public_id.in_(names)
        )
    )
    ids = {row.public_id: row.id for row in made}
    return [ids[name] for name in names]


def _by_id(record_ids: Collection[int]) -> dict[int, str]:
    """Public ids by row ids. Raises NotFound unless all are there."""
    rows = db.session.execute(
        sa.select(ConsentRecord.id, ConsentRecord.public_id).where(ConsentRecord.id.in_(record_ids))
    )
    found = {row.id: row.public_id for row in rows}
    if len(found) != len(set(record_ids)):
        raise NotFound("No such record in the ledger.")
    return found
