"""Many people and records at once: what an import writes, a slice in a few statements."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer.consent.canonical import canonical_json
from mailer.consent.ledger import ALGORITHM, SALT_BYTES, About, commitment
from mailer.consent.models import ConsentPayload, ConsentRecord, ConsentSubject
from mailer.consent.moulds import mould_of
from mailer.consent.states import ConsentState, Matter
from mailer.consent.subjects import get_subject, key_of, place_of_key
from mailer.foundation import cipher, keystore
from mailer.foundation.cipher import CannotOpen
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.ids import new_id
from mailer.lists import MailingList
from mailer.organisations import Organisation


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
    if not drafts:
        return []
    moment = now()
    mould = mould_of(organisation, About(mailing_list), state)
    ended = _public_ids([ends for _, _, ends, _ in drafts if ends is not None])
    common = {
        "organisation_id": organisation.id,
        "matter": Matter.MAILING,
        "mailing_list_id": mailing_list.id,
        "state": state,
        "algorithm": ALGORITHM,
        "recorded_at": moment,
    }
    sealed: dict[str, dict[str, Any]] = {}  # by public id, in the order of the drafts
    rows: list[dict[str, Any]] = []
    for subject, evidence, ends, given_at in drafts:
        name = new_id("rec")
        canonical = mould.fill(
            record=name,
            subject=subject.public_id,
            moment=moment,
            ends=ended[ends] if ends is not None else None,
            evidence=canonical_json(evidence),
        )
        salt = secrets.token_bytes(SALT_BYTES)
        own = {
            "public_id": name,
            "subject_id": subject.id,
            "ends_id": ends,
            "given_at": None if given_at is None else min(given_at, moment),
        }
        rows.append({**common, **own, "commitment": commitment(salt, canonical)})
        value = cipher.seal_with(subject.key, salt + canonical, bound_to=f"consent_payloads.{name}")
        sealed[name] = {"subject_id": subject.id, "sealed": value}
    made = db.session.execute(
        sa.insert(ConsentRecord).returning(ConsentRecord.id, ConsentRecord.public_id), rows
    )
    ids = {row.public_id: row.id for row in made}
    payloads = [{"record_id": ids[name], **value} for name, value in sealed.items()]
    db.session.execute(sa.insert(ConsentPayload), payloads)
    return [ids[name] for name in sealed]


def _public_ids(record_ids: Collection[int]) -> dict[int, str]:
    rows = db.session.execute(
        sa.select(ConsentRecord.id, ConsentRecord.public_id).where(ConsentRecord.id.in_(record_ids))
    )
    found = {row.id: row.public_id for row in rows}
    if len(found) != len(set(record_ids)):
        raise NotFound("No such record in the ledger.")
    return found
