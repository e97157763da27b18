"""What the log keeper refuses to do or cannot do, told to the team, to metrics and to the process's own log."""

from __future__ import annotations

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
    """Why the log stands still."""

    REFUSED = "refused"  # the database contradicts what was signed
    FAILING = "failing"  # something the keeper needs does not work
    LATE = "late"  # leaves wait and nobody takes them: does the keeper run?


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


def end_alarms() -> int:
    """The keeper works again; returns how many alarms stood."""
    count = 0
    for row in db.session.scalars(sa.select(LogAlarm).where(LogAlarm.ended_at.is_(None))):
        row.ended_at = now()
        count += 1
    db.session.flush()
    return count


def has_alarms() -> bool:
    """Whether the keeper has raised an alarm that stands."""
    return db.session.scalar(sa.select(LogAlarm.id).where(LogAlarm.ended_at.is_(None))) is not None


def list_alarms(*, limit: int = 20) -> list[Alarm]:
    """The alarms that stand: those of the keeper, and that it is late when leaves wait for long."""
    rows = db.session.scalars(
        sa.select(LogAlarm).where(LogAlarm.ended_at.is_(None)).order_by(LogAlarm.id).limit(limit)
    )
    found = [Alarm(row.kind, row.message, row.raised_at, row.ended_at) for row in rows]
    waiting = count_waiting()
    if not found and waiting.oldest_at is not None and now() - waiting.oldest_at > LATE_AFTER:
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
