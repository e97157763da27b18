"""Leaving out and holding back: what becomes of people whose turn it is and who must not be written to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from mailer.campaigns import Against, Held
from mailer.delivery.verdicts import LONGEST_HOLD
from mailer.foundation import driver
from mailer.foundation.context import settings


def skip(rows: Collection[tuple[int, Against]], moment: datetime) -> None:
    """Leave out deliveries, each for its reason."""
    at = driver.moment_in(moment)
    driver.execute_each(
        "UPDATE deliveries SET state = 'skipped', skip_reason = ?, owner = NULL, due_at = NULL,"
        " settled_at = ? WHERE id = ?",
        [(reason.value, at, delivery_id) for delivery_id, reason in rows],
    )


def hold(rows: Collection[tuple[int, Held]], started_at: datetime, moment: datetime) -> None:
    """Hold deliveries back until their people want mail again; they count as open.

    Whose time comes only after the campaign's last day (`MAILER_HOLD_DAYS` after its start) is left out
    at once, with the reason. Everybody else is asked again after an hour at the latest.
    """
    last_day = started_at + timedelta(days=settings().hold_days)
    skip([(row_id, one.reason) for row_id, one in rows if one.until > last_day], moment)
    driver.execute_each(
        "UPDATE deliveries SET state = 'held', owner = NULL, due_at = ? WHERE id = ?",
        [
            (driver.moment_in(min(one.until, moment + LONGEST_HOLD)), row_id)
            for row_id, one in rows
            if one.until <= last_day
        ],
    )


def postpone(rows: Collection[tuple[int, datetime]]) -> None:
    """Have deliveries wait for a time, as they are."""
    driver.execute_each(
        "UPDATE deliveries SET due_at = ? WHERE id = ?",
        [(driver.moment_in(until), row_id) for row_id, until in rows],
    )
