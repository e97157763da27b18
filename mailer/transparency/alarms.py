"""What the log keeper cannot do, and evidence that cannot be opened: told to the team and to metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.transparency.models import LogAlarm
from mailer.transparency.sequencing import count_waiting

LATE_AFTER = timedelta(minutes=2)


class AlarmKind(StrEnum):
    """Why the log stands still, or what cannot be shown."""

    REFUSED = "refused"  # the database contradicts what was signed
    FAILING = "failing"  # something the keeper needs does not work
    LATE = "late"  # leaves wait and nobody takes them: does the keeper run?
    EVIDENCE = "evidence"  # what a record commits to cannot be opened


OF_THE_KEEPER = frozenset({AlarmKind.REFUSED, AlarmKind.FAILING})


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `ended_at` is None while it stands."""

    kind: str
    message: str
    raised_at: datetime
    ended_at: datetime | None


def raise_alarm(kind: AlarmKind, message: str) -> bool:
    """Tell the team; returns whether this is news."""
    standing = _find(kind)
    if standing is not None and standing.message == message:
        return False
    if standing is not None:
        standing.ended_at = now()
        db.session.flush()
    db.session.add(LogAlarm(kind=kind.value, message=message))
    db.session.flush()
    return True


def end_alarms(kinds: Collection[AlarmKind] = OF_THE_KEEPER) -> int:
    """The keeper works again, or whatever else alarms of these kinds were about; returns how many stood."""
    count = 0
    for row in db.session.scalars(sa.select(LogAlarm).where(_stands(kinds))):
        row.ended_at = now()
        count += 1
    db.session.flush()
    return count


def has_alarms(kinds: Collection[AlarmKind] = OF_THE_KEEPER) -> bool:
    """Whether an alarm of one of these kinds stands."""
    return db.session.scalar(sa.select(LogAlarm.id).where(_stands(kinds)).limit(1)) is not None


def _stands(kinds: Collection[AlarmKind]) -> sa.ColumnElement[bool]:
    return sa.and_(LogAlarm.kind.in_([kind.value for kind in kinds]), LogAlarm.ended_at.is_(None))


def list_alarms(*, limit: int = 20) -> list[Alarm]:
    """The alarms that stand: those of the keeper, and that it is late when leaves wait for long."""
    rows = db.session.scalars(
        sa.select(LogAlarm).where(LogAlarm.ended_at.is_(None)).order_by(LogAlarm.id).limit(limit)
    )
    found = [Alarm(row.kind, row.message, row.raised_at, row.ended_at) for row in rows]
    waiting, is_told = count_waiting(), any(alarm.kind in OF_THE_KEEPER for alarm in found)
    if not is_told and waiting.oldest_at is not None and now() - waiting.oldest_at > LATE_AFTER:
        message = (
            f"{waiting.count} leaves wait for their place in the log for longer than two minutes. "
            "See whether the log keeper (worker.py --log) runs."
        )
        found.append(Alarm(AlarmKind.LATE, message, waiting.oldest_at, None))
    return found


def _find(kind: AlarmKind) -> LogAlarm | None:
    return db.session.scalar(
        sa.select(LogAlarm).where(LogAlarm.kind == kind.value, LogAlarm.ended_at.is_(None))
    )
