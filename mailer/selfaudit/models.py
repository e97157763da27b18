"""Tables of the self-audit: how far each one got, and what it found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.selfaudit.states import FindingKind, Stage


class SelfAudit(Model):
    """One audit from its beginning to its end.

    `progress` holds what the next slice needs; `revision` counts slices, so that two who go on with the same
    audit do not count anything twice. `done` and `total` count rows.
    """

    __tablename__ = "self_audits"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_by: Mapped[str] = mapped_column(sa.String(20))
    stage: Mapped[Stage] = mapped_column(enum_column(Stage), default=Stage.LEAVES)
    progress: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    findings_count: Mapped[int] = mapped_column(default=0)
    sees_signer: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class SelfAuditFinding(Model):
    """One thing that does not agree with another; without an organisation it concerns the log itself.

    `place` says where: a public id, a position, a tile, a checkpoint.
    """

    __tablename__ = "self_audit_findings"
    __table_args__ = (sa.Index(None, "audit_id", "organisation_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    audit_id: Mapped[int] = mapped_column(sa.ForeignKey("self_audits.id"))
    organisation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organisations.id"))
    kind: Mapped[FindingKind] = mapped_column(enum_column(FindingKind))
    place: Mapped[str] = mapped_column(sa.String(80))
    message: Mapped[str] = mapped_column(sa.Text)
    found_at: Mapped[datetime] = mapped_column(default=now)
