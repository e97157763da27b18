"""From quarantine into the house, slice by slice: imported consents, locked people, opt-outs."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer import consent
from mailer.consent import ConsentState, ConsentSubject, Keyed, Provenance
from mailer.contacts import Contact
from mailer.foundation.clock import iso, now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.ids import new_id
from mailer.foundation.networks import truncate_ip
from mailer.foundation.turns import Turn
from mailer.imports import files
from mailer.imports.dry_run import add_counts, counted, next_rows
from mailer.imports.matching import AddressMatch, decide, detail_of, match_addresses
from mailer.imports.models import Import, ImportRow
from mailer.imports.states import QUARANTINED, ImportState, Refusal, RowState
from mailer.lists import LANGUAGES, MailingList, get_list_by_id
from mailer.organisations import get_organisation_by_id
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason, Scope, SuppressionEntry

CHUNK = 100  # rows that are written by the same statements
# What a row no longer needs once it stands elsewhere.
BLANK: dict[str, Any] = {
    "address": None,
    "address_digest": None,
    "first_name": "",
    "last_name": "",
    "fields": {},
    "proof": {},
}
_REASONS = {
    "unsubscribed": Reason.UNSUBSCRIBED,
    "bounced": Reason.BOUNCE,
    "complained": Reason.COMPLAINT,
}
Placed = tuple[ImportRow, AddressMatch]


def import_slice(found: Import) -> None:
    """Bring in the next rows, for one turn; after the last the import is done and its file is gone.

    Where people stand is asked again in this transaction: what changed since the dry run counts. The state
    of a row says whether it was brought in, so that a killed worker doubles nothing. The caller holds a
    lock on `found`.
    """
    Turn().repeat(lambda: _import_some(found))


def _import_some(found: Import) -> int:
    """Bring in a statement's worth of rows; returns how many, 0 once all are in."""
    rows = next_rows(found, QUARANTINED, CHUNK)
    if not rows:
        _finish(found)
        return 0
    matches = match_addresses(found, {row.address_digest or "" for row in rows})
    changes: Counter[str] = Counter()
    placed: dict[RowState, list[Placed]] = {state: [] for state in QUARANTINED}
    for row in rows:
        match = matches[row.address_digest or ""]
        changes.subtract(counted(row.state, row.refusal))
        row.state, row.refusal = decide(
            row.state, match, opt_out=row.opt_out, opt_out_at=row.opt_out_at
        )
        row.detail = detail_of(row.refusal, row.opt_out_at) or row.detail
        if row.state in placed:
            placed[row.state].append((row, match))
        else:
            changes.update(counted(row.state, row.refusal))
    with db.session.no_autoflush:  # each row is written once, at the end
        _admit(found, placed[RowState.PROVEN])
        _lock(found, placed[RowState.UNPROVEN])
        _suppress(found, [row for row, _ in placed[RowState.OPTED_OUT]])
    for row, _ in (one for group in placed.values() for one in group):
        row.settled_at = now()
        changes.update(counted(row.state, row.refusal))
    add_counts(found, changes)
    db.session.flush()
    return len(rows)


def _finish(found: Import) -> None:
    found.state = ImportState.DONE
    found.sealed_key = None
    files.remove(found.public_id)
    db.session.flush()


def month_after(moment: datetime) -> datetime:
    """A month later: the same day, or the last one of a shorter month (GDPR Art. 14(3)(a), C-055)."""
    year, month = divmod(moment.year * 12 + moment.month, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def evidence_of(row: ImportRow, shared: Mapping[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """What an import says of one person: the leg of the evidence that stands for their own act (C-049).

    `texts` remembers the hashes of wordings, which mostly are the same for everybody.
    """
    proof = row.proof
    told = {
        "leg": "import",
        "address": row.address or "",
        "line": row.line,
        "source": proof.get("source", ""),
        "method": proof.get("method", ""),
        "consented_at": proof.get("date", ""),
        "ip": truncate_ip(proof.get("ip", "")),
        "signed_up_at": proof.get("signed_up_at", ""),
        "signup_ip": truncate_ip(proof.get("signup_ip", "")),
        **shared,
    }
    wording = proof.get("wording")
    if wording:
        if wording not in texts:
            texts[wording] = wording_text(wording)
        told["wording_sha256"] = texts[wording]
    return {key: value for key, value in told.items() if value != ""}


def shared_evidence(found: Import) -> dict[str, Any]:
    """What holds for every person of an import: who brought them, when, from which file."""
    return {
        "import": found.public_id,
        "importer": found.importer,
        "imported_at": iso(now()),
        "file_name": found.file_name,
        "file_sha256": found.file_sha256,
        "evidence_name": found.evidence_name,
        "evidence_sha256": found.evidence_sha256,
    }


def wording_text(wording: str) -> str:
    """Keep the words somebody agreed to elsewhere as a text; returns its SHA-256 (C-044)."""
    body = consent.canonical_json({"kind": "imported-wording", "text": wording})
    return consent.store_text(body, "application/json")


def _with_subjects(
    found: Import, placed: Sequence[Placed]
) -> list[tuple[ImportRow, Contact | None, Keyed]]:
    """Each row with the contact it is about and the pseudonym it stands under in the ledger.

    Who is known here stands under their own, everybody else under a fresh one that can be erased by itself.
    """
    known = {match.contact.subject_id for _, match in placed if match.contact is not None}
    keyed = consent.keyed_subjects(known)
    organisation = get_organisation_by_id(found.organisation_id)
    fresh = iter(consent.create_subjects(organisation, len(placed) - len(known)))
    rows: list[tuple[ImportRow, Contact | None, Keyed]] = []
    for row, match in placed:
        if match.contact is None:
            rows.append((row, None, next(fresh)))
        elif match.contact.subject_id in keyed:
            row.contact_id = match.contact.id
            rows.append((row, match.contact, keyed[match.contact.subject_id]))
        else:  # whose key is gone is being erased
            row.state, row.refusal = RowState.REFUSED, Refusal.ERASED
    return rows


def _record(
    found: Import,
    mailing_list: MailingList,
    state: ConsentState,
    people: Sequence[tuple[ImportRow, Contact | None, Keyed]],
) -> list[tuple[ImportRow, int, Mapping[str, Any]]]:
    """Write what the file says of each person into the ledger; each row with its record and the evidence."""
    shared, texts = shared_evidence(found), dict[str, str]()
    drafts = [
        (
            subject,
            {"imported": evidence_of(row, shared, texts)},
            _given_at(row) if state is ConsentState.GIVEN else None,
        )
        for row, _, subject in people
    ]
    organisation = get_organisation_by_id(found.organisation_id)
    records = consent.record_imported_many(organisation, mailing_list, state, drafts)
    return [
        (row, record_id, evidence)
        for (row, _, _), (_, evidence, _), record_id in zip(people, drafts, records, strict=True)
    ]


def _admit(found: Import, placed: Sequence[Placed]) -> None:
    """People with a proof: a contact, a given record, and a membership that cites it."""
    if not placed:
        return
    mailing_list = get_list_by_id(found.mailing_list_id)
    people = _with_subjects(found, placed)
    for row, contact, _ in people:
        if contact is not None:
            row.filled = _fill(contact, row)
    newcomers = [(row, subject) for row, contact, subject in people if contact is None]
    _enter(found, mailing_list, newcomers)
    memberships = []
    for row, record_id, evidence in _record(found, mailing_list, ConsentState.GIVEN, people):
        provenance = consent.provenance_of({"state": "given", "evidence": evidence})
        memberships.append(_membership(mailing_list, row, record_id, provenance))
        row.record_id, row.state = record_id, RowState.IMPORTED
        blank(row)
    if memberships:
        db.session.execute(sa.insert(Subscription), memberships)


def _membership(
    mailing_list: MailingList, row: ImportRow, proof_id: int, provenance: Provenance
) -> dict[str, Any]:
    moment = now()
    return {
        "public_id": new_id("mbr"),
        "organisation_id": mailing_list.organisation_id,
        "contact_id": row.contact_id,
        "mailing_list_id": mailing_list.id,
        "state": SubscriptionState.ACTIVE,
        "proof_id": proof_id,
        "origin": provenance.origin.value,
        "origin_facts": provenance.facts,
        "activated_at": moment,
        "created_at": moment,
    }


def _given_at(row: ImportRow) -> datetime:
    """When somebody with a proof consented elsewhere; the dry run wrote the date as ISO 8601."""
    return datetime.fromisoformat(row.proof["date"])


def _enter(
    found: Import, mailing_list: MailingList, newcomers: Sequence[tuple[ImportRow, Keyed]]
) -> None:
    if not newcomers:
        return
    moment = now()
    made = db.session.execute(
        sa.insert(Contact).returning(Contact.id, Contact.subject_id),
        [
            {
                "public_id": new_id("con"),
                "organisation_id": found.organisation_id,
                "subject_id": subject.id,
                "address": row.address,
                "address_digest": row.address_digest,
                "first_name": row.first_name,
                "last_name": row.last_name,
                "language": row.language if row.language in LANGUAGES else mailing_list.language,
                "fields": row.fields,
                "created_at": moment,
            }
            for row, subject in newcomers
        ],
    )
    ids = {made_row.subject_id: made_row.id for made_row in made}
    for row, subject in newcomers:
        row.contact_id, row.is_new_contact = ids[subject.id], True


def _fill(contact: Contact, row: ImportRow) -> list[list[str]]:
    """Fill what is empty; what people told us themselves stays as it is. Returns names and values filled."""
    filled = []
    for name in ("first_name", "last_name"):
        value = getattr(row, name)
        if value and not getattr(contact, name):
            setattr(contact, name, value)
            filled.append([name, value])
    gaps = {k: v for k, v in row.fields.items() if not contact.fields.get(k)}
    if gaps:
        contact.fields = {**contact.fields, **gaps}
        filled += [[f"fields.{name}", value] for name, value in gaps.items()]
    return filled


def _lock(found: Import, placed: Sequence[Placed]) -> None:
    """People without a proof: recorded as unknown, and mailed nothing until they give permission."""
    if not placed:
        return
    mailing_list = get_list_by_id(found.mailing_list_id)
    people = _with_subjects(found, placed)
    for row, contact, subject in people:
        if contact is None:
            row.subject_id = subject.id
    for row, record_id, _ in _record(found, mailing_list, ConsentState.UNKNOWN, people):
        row.record_id, row.state = record_id, RowState.LOCKED


def subject_of(row: ImportRow) -> ConsentSubject:
    """Under which pseudonym a locked row stands in the ledger. Raises NotFound."""
    if row.subject_id is not None:
        return consent.get_subject(row.subject_id)
    contact = db.session.get(Contact, row.contact_id)
    if contact is None:
        raise NotFound("Nobody stands behind this row any more.")
    return consent.get_subject(contact.subject_id)


def _suppress(found: Import, rows: Sequence[ImportRow]) -> None:
    """Who opted out elsewhere is not mailed from here either, until a newer consent (C-082)."""
    if not rows:
        return
    moment = now()
    made = db.session.execute(
        sa.insert(SuppressionEntry).returning(SuppressionEntry.id, SuppressionEntry.address_digest),
        [
            {
                "public_id": new_id("sup"),
                "organisation_id": found.organisation_id,
                "address_digest": row.address_digest,
                "scope": Scope.MARKETING,
                "reason": _REASONS[row.opt_out],
                "created_at": row.opt_out_at or moment,
                "is_undated": row.opt_out_at is None,
            }
            for row in rows
        ],
    )
    ids = {made_row.address_digest: made_row.id for made_row in made}
    for row in rows:
        row.suppression_id = ids[row.address_digest or ""]
        row.state = RowState.SUPPRESSED
        blank(row)


def blank(row: ImportRow) -> None:
    """Take from a row what is personal."""
    for name, value in BLANK.items():
        setattr(row, name, value)
