"""People in the ledger: a pseudonym, and a key of their own under which their evidence lies."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from mailer.consent.models import ConsentPayload, ConsentSubject, EvidenceBlob
from mailer.foundation import cipher, keystore
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation


def create_subject(organisation: Organisation) -> ConsentSubject:
    """A new person in the ledger, with a fresh key in the key store (T-006)."""
    public_id = new_id("sub")
    keystore.put(public_id, new_sealed_key(public_id))
    subject = ConsentSubject(public_id=public_id, organisation_id=organisation.id)
    db.session.add(subject)
    db.session.flush()
    return subject


def new_sealed_key(public_id: str) -> bytes:
    """A fresh key for the subject of this name, sealed under the service's own, for the key store."""
    return cipher.seal(cipher.new_key(), bound_to=place_of_key(public_id))


def renew_key(subject: ConsentSubject) -> None:
    """A fresh key where a person's was destroyed, so that what ends for them can be written down before they
    are erased again; nothing where there is one. Raises CannotOpen, Unavailable.

    Nothing of before can be read with it.
    """
    if find_key(subject) is None:
        keystore.put(subject.public_id, new_sealed_key(subject.public_id))


def get_subject(subject_id: int) -> ConsentSubject:
    """The subject with this row id. Raises NotFound."""
    subject = db.session.get(ConsentSubject, subject_id)
    if subject is None:
        raise NotFound("No such person in the ledger.")
    return subject


def list_subjects(subject_ids: Collection[int]) -> list[ConsentSubject]:
    """The subjects with these row ids, oldest first."""
    query = sa.select(ConsentSubject).where(ConsentSubject.id.in_(subject_ids))
    return list(db.session.scalars(query.order_by(ConsentSubject.id)))


def find_key(subject: ConsentSubject) -> bytes | None:
    """The key of a person's evidence; None once it was destroyed. Raises CannotOpen, Unavailable."""
    if subject.erased_at is not None:
        return None
    sealed = keystore.find(subject.public_id)
    if sealed is None:
        return None
    return cipher.open_sealed(sealed, bound_to=place_of_key(subject.public_id))


def key_of(subject: ConsentSubject) -> bytes:
    """The key of a person's evidence. Raises NotFound once it was destroyed."""
    key = find_key(subject)
    if key is None:
        raise NotFound("This person was erased; their evidence is gone.")
    return key


def erase_subject(subject: ConsentSubject) -> None:
    """Destroy payloads, blobs and key of a person; records and their commitments stay (T-050)."""
    erase_subjects([subject])


def erase_subjects(subjects: Collection[ConsentSubject]) -> None:
    """Like `erase_subject`, for one person who stands in the ledger more than once.

    The keys go last, and at once: if the unit of work fails after that, the erasure has to be repeated,
    as every caller does, and meanwhile nobody can read what it was about.
    """
    ids = [subject.id for subject in subjects]
    for subject in subjects:
        subject.erased_at = subject.erased_at or now()
    db.session.flush()
    for table in (ConsentPayload, EvidenceBlob):
        db.session.execute(sa.delete(table).where(table.subject_id.in_(ids)))
    keystore.destroy(subject.public_id for subject in subjects)


def sweep_keys(*, older_than: timedelta = timedelta(days=1)) -> int:
    """Destroy keys whose subject was never committed, or is erased; returns how many."""
    count = 0
    for names in keystore.iter_names(before=now() - older_than):
        alive = db.session.scalars(
            sa.select(ConsentSubject.public_id).where(
                ConsentSubject.public_id.in_(names), ConsentSubject.erased_at.is_(None)
            )
        )
        stray = set(names) - set(alive)
        if stray:
            count += keystore.destroy(stray)
    return count


def put_blob(subject: ConsentSubject, body: bytes, media_type: str) -> str:
    """Keep large evidence of a person under their key; returns its SHA-256, hexadecimal."""
    sha256 = hashlib.sha256(body).hexdigest()
    if _find_blob(subject, sha256) is None:
        sealed = cipher.seal_with(key_of(subject), body, bound_to=f"evidence_blobs.{sha256}")
        blob = EvidenceBlob(
            subject_id=subject.id, sha256=sha256, media_type=media_type, sealed=sealed
        )
        db.session.add(blob)
        db.session.flush()
    return sha256


def get_blob(subject: ConsentSubject, sha256: str) -> bytes:
    """Evidence kept by `put_blob`. Raises NotFound."""
    blob = _find_blob(subject, sha256)
    if blob is None:
        raise NotFound("No such evidence.")
    return cipher.open_with(key_of(subject), blob.sealed, bound_to=f"evidence_blobs.{sha256}")


def _find_blob(subject: ConsentSubject, sha256: str) -> EvidenceBlob | None:
    return db.session.scalar(
        sa.select(EvidenceBlob).where(
            EvidenceBlob.subject_id == subject.id, EvidenceBlob.sha256 == sha256
        )
    )


def place_of_key(public_id: str) -> str:
    """What the key of a subject is bound to where it is stored."""
    return f"consent_subjects.wrapped_key.{public_id}"
