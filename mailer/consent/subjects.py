"""People in the ledger: a pseudonym, and a key of their own under which their evidence lies."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from mailer.consent.models import ConsentPayload, ConsentSubject, EvidenceBlob
from mailer.foundation import cipher, keystore
from mailer.foundation.blotting import blot
from mailer.foundation.cipher import CannotOpen
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.foundation.ids import new_id
from mailer.organisations import Organisation

log = logging.getLogger(__name__)

LOST_EVIDENCE = (
    "Evidence of people cannot be opened: their keys are missing from the key store, or the key of the service"
    " that they lie under is not among MAILER_ENCRYPTION_KEYS. Put back what is missing; the rest goes on"
    " meanwhile. The log of the processes says whose it is."
)
_LOST = "consent.lost_evidence"


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
    """The key to keep a person's evidence under. Raises NotFound once they were erased, Unavailable.

    Where it is lost a new one takes its place: what somebody does now must not fail for what was lost before.
    """
    if subject.erased_at is not None:
        raise NotFound("This person was erased; their evidence is gone.")
    try:
        key = find_key(subject)
    except CannotOpen:
        keystore.set_aside(subject.public_id)
        key = None
    if key is None:
        note_lost(subject.public_id, "There is no key of this person that can be opened.")
        keystore.put(subject.public_id, new_sealed_key(subject.public_id))
        key = find_key(subject)
    return cast("bytes", key)


def find_readable_key(subject: ConsentSubject) -> bytes | None:
    """As `find_key`; None, and noted, also where the key cannot be opened. Raises Unavailable."""
    try:
        return find_key(subject)
    except CannotOpen as error:
        note_lost(subject.public_id, str(error))
        return None


def try_to_open(key: bytes | None, sealed: bytes, place: str) -> bytes | None:
    """What is sealed at `place`; None, and noted, where it cannot be opened or there is no key."""
    if key is None:
        note_lost(place, "The key of this person is gone, though they were not erased.")
        return None
    try:
        return cipher.open_with(key, sealed, bound_to=place)
    except CannotOpen as error:
        note_lost(place, str(error))
        return None


def note_lost(place: str, why: str) -> None:
    """Say that evidence cannot be opened, once a session in the log; its door raises the alarm."""
    known = db.session().info
    if not known.get(_LOST):
        # Table and name stand apart, for what holds a dot is taken for a token by the log.
        log.error("evidence cannot be opened", extra={"place": place.replace(".", " "), "why": why})
    known[_LOST] = True


def has_lost_evidence() -> bool:
    """Whether this session met evidence that cannot be opened, of which nobody was told yet."""
    return bool(db.session.registry.has() and db.session().info.get(_LOST))


def forget_lost_evidence() -> None:
    """The team was told of what this session met."""
    db.session().info.pop(_LOST, None)


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
        people = {keystore.name_of(name) for name in names}
        alive = set(
            db.session.scalars(
                sa.select(ConsentSubject.public_id).where(
                    ConsentSubject.public_id.in_(people), ConsentSubject.erased_at.is_(None)
                )
            )
        )
        stray = {name for name in names if keystore.name_of(name) not in alive}
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
    """Evidence kept by `put_blob`. Raises NotFound, also when it cannot be opened."""
    blob, place = _find_blob(subject, sha256), f"evidence_blobs.{sha256}"
    if blob is None:
        raise NotFound("No such evidence.")
    opened = try_to_open(find_readable_key(subject), blob.sealed, place)
    if opened is None:
        raise NotFound("This evidence cannot be opened: its key is lost.")
    return opened


def show_mail(subject: ConsentSubject, sha256: str) -> bytes:
    """A kept mail as others may see it: the secrets of its links are blotted out. Raises NotFound.

    Whoever is shown evidence is not the person, and a link in it would act in the person's name.
    """
    return blot(get_blob(subject, sha256))


def _find_blob(subject: ConsentSubject, sha256: str) -> EvidenceBlob | None:
    return db.session.scalar(
        sa.select(EvidenceBlob).where(
            EvidenceBlob.subject_id == subject.id, EvidenceBlob.sha256 == sha256
        )
    )


def place_of_key(public_id: str) -> str:
    """What the key of a subject is bound to where it is stored."""
    return f"consent_subjects.wrapped_key.{public_id}"
