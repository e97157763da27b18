"""What the team, the command line and metrics ask about audits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.organisations import Organisation
from mailer.selfaudit.models import SelfAudit, SelfAuditFinding
from mailer.selfaudit.states import FindingKind, Stage


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit as shown; `finished_at` is None while it goes on. `sees_signer` says whether the log keeper's
    own files were compared too.
    """

    id: int
    stage: Stage
    done: int
    total: int
    findings_count: int
    sees_signer: bool
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as shown."""

    kind: FindingKind
    place: str
    message: str
    found_at: datetime


def find_newest(*, is_finished: bool | None = None) -> Audit | None:
    """The newest audit; only finished or only unfinished ones when asked for."""
    query = sa.select(SelfAudit).order_by(SelfAudit.id.desc()).limit(1)
    if is_finished is not None:
        condition = SelfAudit.finished_at.is_not(None)
        query = query.where(condition if is_finished else ~condition)
    row = db.session.scalar(query)
    return None if row is None else _as_audit(row)


def get_audit(audit_id: int) -> Audit:
    """The audit with this row id. Raises NotFound."""
    row = db.session.get(SelfAudit, audit_id, populate_existing=True)
    if row is None:
        raise NotFound("There is no such audit.")
    return _as_audit(row)


def find_alarming() -> Audit | None:
    """The newest audit that has findings, unless a later one went through without."""
    finished = find_newest(is_finished=True)
    newest = find_newest()
    for one in (newest, finished):
        if one is not None and one.findings_count:
            return one
    return None


def list_findings(
    audit_id: int, organisation: Organisation | None = None, *, limit: int = 100
) -> list[Finding]:
    """What an audit found; for an organisation, what concerns it or the log itself."""
    query = sa.select(SelfAuditFinding).where(SelfAuditFinding.audit_id == audit_id)
    if organisation is not None:
        query = query.where(
            sa.or_(
                SelfAuditFinding.organisation_id == organisation.id,
                SelfAuditFinding.organisation_id.is_(None),
            )
        )
    rows = db.session.scalars(query.order_by(SelfAuditFinding.id).limit(limit))
    return [Finding(row.kind, row.place, row.message, row.found_at) for row in rows]


def count_findings(audit_id: int) -> dict[str, int]:
    """How many findings of each kind an audit has written down."""
    rows = db.session.execute(
        sa.select(SelfAuditFinding.kind, sa.func.count(SelfAuditFinding.id))
        .where(SelfAuditFinding.audit_id == audit_id)
        .group_by(SelfAuditFinding.kind)
    )
    return {row[0].value: row[1] for row in rows}


def _as_audit(row: SelfAudit) -> Audit:
    return Audit(
        id=row.id,
        stage=row.stage,
        done=row.done,
        total=row.total,
        findings_count=row.findings_count,
        sees_signer=row.sees_signer,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
