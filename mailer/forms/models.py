"""Tables: forms and their published versions, which are frozen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model
from mailer.foundation.ids import new_id


class Form(Model):
    """A way to ask, as it is being written; what is published is its newest version.

    `revision` counts saves, so that two editors do not overwrite each other.
    """

    __tablename__ = "forms"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("frm")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
    allowed_origins: Mapped[list[Any]] = mapped_column(default=list)
    is_open: Mapped[bool] = mapped_column(default=True)  # the kill switch of S-034
    revision: Mapped[int] = mapped_column(sa.Integer, default=1)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class FormVersion(Model):
    """A published form: its definition and the notice it links, never changed (C-044)."""

    __tablename__ = "form_versions"
    __table_args__ = (sa.UniqueConstraint("form_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("ver")
    )
    form_id: Mapped[int] = mapped_column(sa.ForeignKey("forms.id"))
    number: Mapped[int] = mapped_column(sa.Integer)
    definition_sha256: Mapped[str] = mapped_column(sa.ForeignKey("consent_texts.sha256"))
    notice_id: Mapped[int] = mapped_column(sa.ForeignKey("notices.id"))
    published_at: Mapped[datetime] = mapped_column(default=now)
