"""The only caller of datetime.now: aware, in UTC, to the millisecond that evidence asks for."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware, UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`moment` as UTC ISO 8601 with milliseconds, such as 2026-11-23T10:02:11.042Z (R-006)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
