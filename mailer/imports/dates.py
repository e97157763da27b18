"""Dates as other systems write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?(?:\s*(?:UTC|GMT|[A-Z]{2,5}|[+-]\d{2,4}))?",
    re.ASCII,
)
_LOCAL = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?",
    re.ASCII,
)
_SECONDS = re.compile(r"\d{9,10}", re.ASCII)
_NOTHING = re.compile(r"[0\s:.TZ/-]*", re.ASCII)  # 0000-00-00 00:00:00 and the like


class DateOrder(StrEnum):
    """What comes first in a date such as 03/04/2024."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


def is_empty(text: str) -> bool:
    """Whether a date was never filled in, however a system writes that."""
    text = text.strip()
    return (
        _NOTHING.fullmatch(text) is not None
        or text.startswith("0001-01-01")
        or text.lower() in ("null", "none", "n/a", "\\n", "never")
    )


def latest_moment(text: str, order: DateOrder) -> datetime | None:
    """Like `read_date`, but the end of a day that is given without a time."""
    moment = read_date(text, order)
    is_day = moment is not None and ":" not in text and not _SECONDS.fullmatch(text.strip())
    return moment + timedelta(days=1, microseconds=-1) if moment and is_day else moment


def read_date(text: str, order: DateOrder) -> datetime | None:
    """A date or moment, UTC unless it says otherwise; None when it cannot be read."""
    text = text.strip()
    try:
        if found := _ISO.fullmatch(text):
            return _iso(found)
        if found := _LOCAL.fullmatch(text):
            return _local(found, order)
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError):
        return None
    return None


def _iso(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    zone = found[7] or ""
    if zone[:1] in ("+", "-"):
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - offset if zone[0] == "+" else moment + offset
    return moment


def _local(found: re.Match[str], order: DateOrder) -> datetime:
    first, _, second, year, hour, minute, seconds, half = found.groups()
    # Only a slash is ambiguous: dots and dashes are written by those who begin with the day.
    is_day_first = order is DateOrder.DAY_FIRST or found[2] != "/"
    day, month = (int(first), int(second)) if is_day_first else (int(second), int(first))
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    return datetime(int(year), month, day, hours, int(minute or 0), int(seconds or 0), tzinfo=UTC)
