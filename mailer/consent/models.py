"""Tables of the ledger. Records are never updated or deleted: the database itself refuses.

What is personal stands beside the record, not in it: payloads and blobs are encrypted under a key of the
person's own, and go, with that key, when the person is erased; the record and its commitment stay.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.consent.states import ConsentState, Matter
from mailer.foundation.clock import now
from mailer.foundation.database import Model, RowId, enum_column
from mailer.foundation.ids import new_id

_ANSWERS = sa.text("follows_id IS NOT NULL")
# A view of the database, which says when a consent stands: it was given, and no record ends it (C-061). Whoever
# asks that asks here.
STANDING_CONSENTS = sa.table(
    "standing_consents",
    sa.column("id", RowId),
    sa.column("subject_id", RowId),
    sa.column("matter", enum_column(Matter)),
    sa.column("mailing_list_id", RowId),
)


def stands(
    record_id: sa.SQLColumnExpression[int] | sa.SQLColumnExpression[int | None] | int,
) -> sa.Exists:
    """SQL: whether the consent record with this row id was given and has not ended."""
    return sa.exists().where(STANDING_CONSENTS.c.id == record_id)


class ConsentSubject(Model):
    """The person a record is about, under a pseudonym; the key of their evidence lies in the key store."""

    __tablename__ = "consent_subjects"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("sub")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    erased_at: Mapped[datetime | None]


class ConsentText(Model):
    """A text as it was shown, stored once under its SHA-256; never changed (C-044, T-007)."""

    __tablename__ = "consent_texts"

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    media_type: Mapped[str] = mapped_column(sa.String(80))
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Notice(Model):
    """A version of an organisation's privacy notice; numbers count up, texts stay."""

    __tablename__ = "notices"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("ntc")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    number: Mapped[int] = mapped_column(sa.Integer)
    text_sha256: Mapped[str] = mapped_column(sa.ForeignKey("consent_texts.sha256"))
    published_at: Mapped[datetime] = mapped_column(default=now)


class ConsentRecord(Model):
    """One line of the ledger.

    `follows_id` names the request that a given consent answers; `ends_id` the given record that this one
    ends, which can happen once. `commitment` is SHA-256 over a salt and the payload (T-005).
    """

    __tablename__ = "consent_records"
    __table_args__ = (
        sa.CheckConstraint(
            "(ends_id IS NULL) OR state IN ('withdrawn','expired','terminated','invalidated')",
            name="only_endings_end",
        ),
        sa.CheckConstraint(
            "(matter = 'mailing') = (mailing_list_id IS NOT NULL)", name="mailing_names_list"
        ),
        sa.Index(None, "subject_id", "id"),
        sa.Index(None, "organisation_id", "id"),
        sa.Index(None, "follows_id", sqlite_where=_ANSWERS, postgresql_where=_ANSWERS),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("rec")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    subject_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_subjects.id"))
    matter: Mapped[Matter] = mapped_column(enum_column(Matter))
    mailing_list_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    state: Mapped[ConsentState] = mapped_column(enum_column(ConsentState))
    follows_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_records.id"))
    ends_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_records.id"), unique=True)
    algorithm: Mapped[str] = mapped_column(sa.String(40))
    commitment: Mapped[bytes] = mapped_column(sa.LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(default=now)
    given_at: Mapped[
        datetime | None
    ]  # of a consent given elsewhere: when; of others it is recorded_at


class ConsentPayload(Model):
    """What a record commits to: canonical JSON under the person's key, and the salt, sealed with it."""

    __tablename__ = "consent_payloads"

    record_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_records.id"), primary_key=True)
    subject_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_subjects.id"), index=True)
    sealed: Mapped[bytes] = mapped_column(sa.LargeBinary)


class EvidenceBlob(Model):
    """Large evidence of one person, such as the bytes of a confirmation mail; named by its SHA-256."""

    __tablename__ = "evidence_blobs"
    __table_args__ = (sa.UniqueConstraint("subject_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_subjects.id"))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    media_type: Mapped[str] = mapped_column(sa.String(80))
    sealed: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)
