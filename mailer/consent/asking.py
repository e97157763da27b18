"""The first records of a request, as sets: signing up is the busiest door of the house.

What is written is what `record_requested` and `record_refused` write one by one. Everything that needs no
database is done before: the evidence is put into its canonical form once for all boxes of a form, committed
to and sealed. Then the rows of many people go in by three statements.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailer.consent.canonical import canonical_json
from mailer.consent.ledger import (
    ALGORITHM,
    SALT_BYTES,
    About,
    Evidence,
    commitment,
)
from mailer.consent.moulds import mould_of
from mailer.consent.reserving import take_key
from mailer.consent.states import ConsentState
from mailer.foundation import cipher, driver
from mailer.foundation.clock import now
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation

# Rows that are written together name each other by public ids, so that none has to be read back.
SUBJECT_ID: Final = "(SELECT id FROM consent_subjects WHERE public_id = ?)"
RECORD_ID: Final = "(SELECT id FROM consent_records WHERE public_id = ?)"
_ADD_SUBJECT: Final = (
    "INSERT INTO consent_subjects (public_id, organisation_id, created_at) VALUES (?, ?, ?)"
)
_ADD_RECORD: Final = (
    "INSERT INTO consent_records (public_id, organisation_id, subject_id, matter, mailing_list_id, state,"  # noqa: S608  # made of constants and marks
    f" algorithm, commitment, recorded_at) VALUES (?, ?, {SUBJECT_ID}, ?, ?, ?, ?, ?, ?)"
)
_ADD_PAYLOAD: Final = (
    "INSERT INTO consent_payloads (record_id, subject_id, sealed)"  # noqa: S608  # made of constants and marks
    f" VALUES ({RECORD_ID}, {SUBJECT_ID}, ?)"
)


@dataclass(frozen=True, slots=True)
class SealedAnswers:
    """What one person answered, ready to be written: public ids of the new subject and of a record for each
    box in order, and their rows.
    """

    subject: str
    records: tuple[str, ...]
    subject_row: driver.Row
    record_rows: tuple[driver.Row, ...]
    payload_rows: tuple[driver.Row, ...]


def seal_answers(
    organisation: Organisation, answers: Sequence[tuple[About, bool]], evidence: Evidence
) -> SealedAnswers:
    """A form was submitted: a new subject, and for each box a `requested` record if it was ticked, a
    `refused` one if not (R-008, C-047).

    Nothing is written yet but the subject's key. Raises Unavailable.
    """
    (subject, key), moment = take_key(), now()
    shared, at, seal = canonical_json(evidence), driver.moment_in(moment), cipher.sealer(key)
    names: list[str] = []
    records: list[driver.Row] = []
    payloads: list[driver.Row] = []
    for about, is_ticked in answers:
        state = ConsentState.REQUESTED if is_ticked else ConsentState.REFUSED
        name, salt = new_id("rec"), secrets.token_bytes(SALT_BYTES)
        canonical = mould_of(organisation, about, state).fill(
            record=name, subject=subject, moment=moment, ends=None, evidence=shared
        )
        of_what = about.matter.value, about.mailing_list.id if about.mailing_list else None
        committed = ALGORITHM, commitment(salt, canonical)
        sealed = seal(salt + canonical, f"consent_payloads.{name}")
        names.append(name)
        records.append((name, organisation.id, subject, *of_what, state.value, *committed, at))
        payloads.append((name, subject, sealed))
    return SealedAnswers(
        subject=subject,
        records=tuple(names),
        subject_row=(subject, organisation.id, at),
        record_rows=tuple(records),
        payload_rows=tuple(payloads),
    )


def record_answers(many: Sequence[SealedAnswers]) -> None:
    """Write what people answered: subjects, records and payloads."""
    driver.execute_each(_ADD_SUBJECT, [one.subject_row for one in many])
    driver.execute_each(_ADD_RECORD, [row for one in many for row in one.record_rows])
    driver.execute_each(_ADD_PAYLOAD, [row for one in many for row in one.payload_rows])
