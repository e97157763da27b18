"""An audit in slices: it can be stopped after any of them, and gone on with, here or after a restart.

Reading and writing are apart. `examine` only reads, as long as it takes; `note` writes what came out, in a
short unit of work, and does nothing when somebody else has gone on with the same audit meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer.consent import ConsentRecord
from mailer.delivery import Delivery
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid
from mailer.selfaudit.examined import AuditState, Slice
from mailer.selfaudit.leaf_checks import check_leaves, check_tiles
from mailer.selfaudit.models import SelfAudit, SelfAuditFinding
from mailer.selfaudit.row_checks import check_deliveries, check_records, check_subscriptions
from mailer.selfaudit.states import FindingKind, Stage
from mailer.subscriptions import Subscription
from mailer.transparency import AlarmKind, LogDirectory, count_entries, end_alarms

MOST_FINDINGS = 1_000  # so many are written down; the rest is counted
BY_CLOCK, BY_HAND = "clock", "command"
CHECKS = {
    Stage.LEAVES: check_leaves,
    Stage.TILES: check_tiles,
    Stage.RECORDS: check_records,
    Stage.SUBSCRIPTIONS: check_subscriptions,
    Stage.DELIVERIES: check_deliveries,
}


def begin(started_by: str) -> int:
    """Begin an audit over what there is now; returns its row id."""
    signed = _signer_remembers()
    size = count_entries()
    last = {
        name: db.session.scalar(sa.select(sa.func.max(model.id))) or 0
        for name, model in (
            ("last_record", ConsentRecord),
            ("last_subscription", Subscription),
            ("last_delivery", Delivery),
        )
    }
    records = db.session.scalar(sa.select(sa.func.count(ConsentRecord.id))) or 0
    audit = SelfAudit(
        started_by=started_by,
        progress={
            "at": 0,
            "size": size,
            "edge": [],
            "entries_at": 0,
            "signed": signed,
            **last,
        },
        total=size + records + last["last_subscription"] + last["last_delivery"],
        sees_signer=signed is not None,
    )
    db.session.add(audit)
    db.session.flush()
    return audit.id


def get_state(audit_id: int) -> AuditState:
    """Where an audit stands."""
    row = db.session.execute(
        sa.select(
            SelfAudit.revision,
            SelfAudit.stage,
            SelfAudit.progress,
            SelfAudit.done,
            SelfAudit.total,
            SelfAudit.findings_count,
        ).where(SelfAudit.id == audit_id)
    ).one()
    return AuditState(
        audit_id, row.revision, row.stage, row.progress, row.done, row.total, row.findings_count
    )


def examine(state: AuditState) -> Slice:
    """Look at the next slice; reads only. Raises Unavailable when a part is down."""
    slice_ = Slice(state.stage, dict(state.progress))
    if state.stage in CHECKS:
        CHECKS[state.stage](slice_)
    return slice_


def note(state: AuditState, seen: Slice) -> AuditState | None:
    """Write down what a slice gave; None when somebody else has gone on with this audit."""
    is_over = seen.stage is Stage.DONE
    done = state.total if is_over else min(state.total, state.done + seen.count)
    count = state.findings_count + len(seen.found)
    changed = db.session.execute(
        sa.update(SelfAudit)
        .where(SelfAudit.id == state.audit_id, SelfAudit.revision == state.revision)
        .values(
            revision=state.revision + 1,
            stage=seen.stage,
            progress=seen.progress,
            done=done,
            findings_count=count,
            finished_at=now() if is_over else None,
        )
    )
    if not changed.rowcount:  # type: ignore[attr-defined]  # an update has one
        return None
    _write(state, seen)
    if is_over and not _found_unreadable(state.audit_id):
        end_alarms({AlarmKind.EVIDENCE})
    return AuditState(
        state.audit_id, state.revision + 1, seen.stage, seen.progress, done, state.total, count
    )


def _found_unreadable(audit_id: int) -> bool:
    query = sa.select(SelfAuditFinding.id).where(
        SelfAuditFinding.audit_id == audit_id,
        SelfAuditFinding.kind == FindingKind.PAYLOAD_UNREADABLE,
    )
    return db.session.scalar(query.limit(1)) is not None


def find_unfinished(started_by: str, *, since: datetime) -> AuditState | None:
    """An audit that was begun after `since` and is not over; the newest."""
    found = db.session.scalar(
        sa.select(SelfAudit.id)
        .where(
            SelfAudit.started_by == started_by,
            SelfAudit.finished_at.is_(None),
            SelfAudit.started_at >= since,
        )
        .order_by(SelfAudit.id.desc())
        .limit(1)
    )
    return None if found is None else get_state(found)


def was_begun(started_by: str, *, since: datetime) -> bool:
    """Whether an audit was begun after `since`."""
    return (
        db.session.scalar(
            sa.select(SelfAudit.id)
            .where(SelfAudit.started_by == started_by, SelfAudit.started_at >= since)
            .limit(1)
        )
        is not None
    )


def _write(state: AuditState, seen: Slice) -> None:
    room = max(0, MOST_FINDINGS - state.findings_count)
    db.session.add_all(
        SelfAuditFinding(
            audit_id=state.audit_id,
            organisation_id=found.organisation_id,
            kind=found.kind,
            place=found.place,
            message=found.message,
        )
        for found in seen.found[:room]
    )
    db.session.flush()


def _signer_remembers() -> dict[str, Any] | None:
    """Size and root the signer signed last; None where its directory cannot be read from here."""
    try:
        signed = LogDirectory(settings().log_directory).read_signed()
    except (OSError, Invalid):
        return None
    return None if signed is None else {"size": signed.size, "root": signed.root.hex()}
