"""Tables: imports, and the rows of their files in quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id
from mailer.imports.states import ImportState, Refusal, RowState


class Import(Model):
    """People brought from another system into one list. The file lies sealed in the data directory.

    `sealed_key` opens the file and goes with it. `offset` and `line` say where reading goes on, `counts`
    how many rows stand in which state.
    """

    __tablename__ = "imports"
    __table_args__ = (sa.Index(None, "organisation_id", "id"), sa.Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("imp")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    mailing_list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_lists.id"))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    importer: Mapped[str] = mapped_column(sa.String(300))
    state: Mapped[ImportState] = mapped_column(
        enum_column(ImportState), default=ImportState.MAPPING
    )
    file_name: Mapped[str] = mapped_column(sa.String(200))
    file_sha256: Mapped[str] = mapped_column(sa.String(64))
    file_bytes: Mapped[int]
    sealed_key: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    encoding: Mapped[str] = mapped_column(sa.String(20))
    separator: Mapped[str] = mapped_column(sa.String(1))
    system: Mapped[str] = mapped_column(sa.String(20), default="")
    header: Mapped[list[Any]] = mapped_column(default=list)
    targets: Mapped[list[Any]] = mapped_column(default=list)
    date_order: Mapped[str] = mapped_column(sa.String(3), default="dmy")
    all_opted_out: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(sa.String(500), default="")
    method: Mapped[str] = mapped_column(sa.String(500), default="")
    wording: Mapped[str] = mapped_column(sa.Text, default="")
    consent_date: Mapped[str] = mapped_column(sa.String(40), default="")
    evidence_name: Mapped[str] = mapped_column(sa.String(200), default="")
    evidence_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    evidence_subject_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_subjects.id"))
    offset: Mapped[int] = mapped_column(default=0)
    line: Mapped[int] = mapped_column(default=1)
    rows_read: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    failure: Mapped[str] = mapped_column(sa.Text, default="")
    is_asking: Mapped[bool] = mapped_column(default=False)  # permission mails go out
    created_at: Mapped[datetime] = mapped_column(default=now)
    imported_at: Mapped[datetime | None]
    inform_by: Mapped[datetime | None]  # GDPR Art. 14(3), C-055
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class ImportRow(Model):
    """One row of a file, in quarantine until it is imported; nobody is mailed for being here.

    What is personal goes once it stands elsewhere, or when the time is over.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        sa.Index(None, "import_id", "state", "id"),
        sa.Index(None, "address_digest", "import_id"),
        sa.Index(
            "ix_import_rows_asked",
            "mailed_at",
            sqlite_where=sa.text("mailed_at IS NOT NULL"),
            postgresql_where=sa.text("mailed_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_import_rows_contact_id",
            "contact_id",
            sqlite_where=sa.text("contact_id IS NOT NULL"),
            postgresql_where=sa.text("contact_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str | None] = mapped_column(sa.String(40), unique=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id"))
    line: Mapped[int]
    state: Mapped[RowState] = mapped_column(enum_column(RowState))
    refusal: Mapped[Refusal | None] = mapped_column(enum_column(Refusal))
    detail: Mapped[str] = mapped_column(sa.String(200), default="")
    address: Mapped[str | None] = mapped_column(sa.String(254))
    address_digest: Mapped[str | None] = mapped_column(sa.String(64))
    first_name: Mapped[str] = mapped_column(sa.String(200), default="")
    last_name: Mapped[str] = mapped_column(sa.String(200), default="")
    language: Mapped[str] = mapped_column(sa.String(10), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    proof: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opt_out: Mapped[str] = mapped_column(sa.String(20), default="")
    opt_out_at: Mapped[datetime | None]
    subject_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_subjects.id"))
    record_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_records.id"))
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"))
    is_new_contact: Mapped[bool] = mapped_column(default=False)
    filled: Mapped[list[Any]] = mapped_column(default=list)
    suppression_id: Mapped[int | None] = mapped_column(sa.ForeignKey("suppression_entries.id"))
    mailed_at: Mapped[datetime | None]
    mail_evidence: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)  # leg (b), C-042
    expires_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
