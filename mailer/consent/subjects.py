"""People in the ledger: a pseudonym, and a key of their own under which their evidence lies."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from mailer.consent.models import ConsentPayload, ConsentSubject, EvidenceBlob
from mailer.foundation import cipher
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation


def create_subject(organisation: Organisation) -> ConsentSubject:
    """A new person in the ledger, with a fresh key (T-006)."""
    public_id = new_id("sub")
    subject = ConsentSubject(
        public_id=public_id,
        organisation_id=organisation.id,
        wrapped_key=cipher.seal(cipher.new_key(), bound_to=_place(public_id)),
    )
    db.session.add(subject)
    db.session.flush()
    return subject


def get_subject(subject_id: int) -> ConsentSubject:
    """The subject with this row id. Raises NotFound."""
    subject = db.session.get(ConsentSubject, subject_id)
    if subject is None:
        raise NotFound("No such person in the ledger.")
    return subject


def key_of(subject: ConsentSubject) -> bytes:
    """The key of a person's evidence. Raises NotFound once they are erased."""
    if subject.wrapped_key is None:
        raise NotFound("This person was erased; their evidence is gone.")
    return cipher.open_sealed(subject.wrapped_key, bound_to=_place(subject.public_id))


def erase_subject(subject: ConsentSubject) -> None:
    """Destroy payloads, blobs and key of a person; records and their commitments stay (T-050)."""
    subject.erased_at = now()
    subject.wrapped_key = None
    db.session.flush()
    for table in (ConsentPayload, EvidenceBlob):
        db.session.execute(sa.delete(table).where(table.subject_id == subject.id))


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


def _place(public_id: str) -> str:
    return f"consent_subjects.wrapped_key.{public_id}"
