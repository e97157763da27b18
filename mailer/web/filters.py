"""Jinja filters: times in the organisation's time zone where it is known, numbers, and texts with addresses."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, g, has_app_context

from mailer.foundation import clock
from mailer.foundation.addresses import mask_addresses

NOTHING = "–"
_STEPS = (
    ("minute", 60),
    ("hour", 3600),
    ("day", 86_400),
    ("month", 2_629_800),
    ("year", 31_557_600),
)


def register(app: Flask) -> None:
    """Make `datetime`, `date`, `number`, `ago` and `masked` known to templates."""
    app.jinja_env.filters.update(
        datetime=show_datetime,
        date=show_date,
        number=show_number,
        ago=show_ago,
        masked=mask_addresses,
    )


def speak_for(time_zone: str) -> None:
    """Show the times of this page in `time_zone` (an IANA name)."""
    g.time_zone = time_zone


def zone() -> tzinfo:
    """The time zone of this page; UTC when nobody said."""
    name = g.get("time_zone") if has_app_context() else None
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def show_datetime(moment: datetime | None) -> str:
    """Such as `23 November 2026, 11:02 CET`."""
    if moment is None:
        return NOTHING
    local = moment.astimezone(zone())
    return f"{_day(local)}, {local:%H:%M %Z}"


def show_date(moment: datetime | None) -> str:
    """Such as `23 November 2026`."""
    return NOTHING if moment is None else _day(moment.astimezone(zone()))


def show_day(moment: datetime) -> str:
    """The day of a moment whose time of day means nothing, in no zone."""
    return _day(moment.astimezone(UTC))


def show_number(number: float | None) -> str:
    """With a comma between thousands."""
    return NOTHING if number is None else f"{number:,}"


def show_ago(moment: datetime | None) -> str:
    """The distance from now in one unit, such as `3 hours ago` or `in 2 days`."""
    if moment is None:
        return NOTHING
    seconds = (clock.now() - moment).total_seconds()
    distance = abs(seconds)
    if distance < 60:
        return "just now" if seconds >= 0 else "in a moment"
    unit, size = next(step for step in reversed(_STEPS) if distance >= step[1])
    count = int(distance // size)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _day(local: datetime) -> str:
    return f"{local.day} {local:%B %Y}"
