"""The first records of a request, as sets: signing up is the busiest door of the house.

What is written is what `record_requested` and `record_refused` write one by one: the evidence is put into
its canonical form once for all boxes of a form, and rows go in by three statements.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa

from mailer.consent.ledger import (
    ALGORITHM,
    SALT_BYTES,
    About,
    Evidence,
    canonical_json,
    commitment,
    payload_of,
)
from mailer.consent.models import ConsentPayload, ConsentRecord, ConsentSubject
from mailer.consent.moulds import PayloadMould
from mailer.consent.states import ConsentState
from mailer.consent.subjects import place_of_key
from mailer.foundation import cipher, keystore
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation

_SUBJECTS: Final = cast("sa.Table", ConsentSubject.__table__)
_RECORDS: Final = cast("sa.Table", ConsentRecord.__table__)
_PAYLOADS: Final = cast("sa.Table", ConsentPayload.__table__)

# Built once: making these expressions anew costs more than running them.
_ADD_SUBJECT: Final = sa.insert(_SUBJECTS).returning(_SUBJECTS.c.id)
_ADD_RECORDS: Final = sa.insert(_RECORDS).returning(_RECORDS.c.id, _RECORDS.c.public_id)
_ADD_PAYLOADS: Final = sa.insert(_PAYLOADS)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was written: the subject's row id, and the id of each record in the order of the boxes."""

    subject_id: int
    record_ids: tuple[int, ...]


def record_answers(
    organisation: Organisation, answers: Sequence[tuple[About, bool]], evidence: Evidence
) -> Asked:
    """A form was submitted: a new subject, and for each box a `requested` record if it was ticked, a
    `refused` one if not (R-008, C-047).
    """
    name, key, moment = new_id("sub"), cipher.new_key(), now()
    keystore.put(name, cipher.seal(key, bound_to=place_of_key(name)))
    connection = db.session.connection()
    subject_id: int = connection.execute(
        _ADD_SUBJECT,
        {"public_id": name, "organisation_id": organisation.id, "created_at": moment},
    ).scalar_one()
    shared = canonical_json(evidence)
    rows: list[dict[str, Any]] = []
    sealed: dict[str, bytes] = {}
    for about, is_ticked in answers:
        state = ConsentState.REQUESTED if is_ticked else ConsentState.REFUSED
        public_id, salt = new_id("rec"), secrets.token_bytes(SALT_BYTES)
        frame = payload_of(
            public_id, organisation.public_id, name, about, state, moment, evidence=None
        )
        canonical = PayloadMould(frame).fill(
            record=public_id, subject=name, ends=None, evidence=shared
        )
        rows.append(
            {
                "public_id": public_id,
                "organisation_id": organisation.id,
                "subject_id": subject_id,
                "matter": about.matter,
                "mailing_list_id": about.mailing_list.id if about.mailing_list else None,
                "state": state,
                "algorithm": ALGORITHM,
                "commitment": commitment(salt, canonical),
                "recorded_at": moment,
            }
        )
        place = f"consent_payloads.{public_id}"
        sealed[public_id] = cipher.seal_with(key, salt + canonical, bound_to=place)
    ids = {row.public_id: row.id for row in connection.execute(_ADD_RECORDS, rows)}
    connection.execute(
        _ADD_PAYLOADS,
        [
            {"record_id": ids[public_id], "subject_id": subject_id, "sealed": value}
            for public_id, value in sealed.items()
        ],
    )
    return Asked(subject_id, tuple(ids[row["public_id"]] for row in rows))
