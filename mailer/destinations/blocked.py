"""Destinations that asked us to wait: all workers leave them alone for a while, and nobody else (E-065)."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailer.foundation import driver
from mailer.foundation.clock import now

FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)
FORGIVEN_AFTER = timedelta(hours=6)
LONGEST_ANSWER = 500


def back_off(destination: str, because: str) -> datetime:
    """Leave a destination alone: a minute, twice as long each further time, at most an hour; until when.

    Who says so while it rests already changes nothing: several workers hear the same at the same time.
    """
    moment = now()
    driver.execute(
        "DELETE FROM destination_states WHERE blocked_until < ?",
        (driver.moment_in(moment - FORGIVEN_AFTER),),
    )
    row = driver.execute(
        "SELECT failures, blocked_until FROM destination_states WHERE destination = ?",
        (destination,),
    ).first()
    failures = 0 if row is None else int(row[0])
    until = moment if row is None else driver.moment_out(row[1])
    if until > moment:
        return until
    rest: timedelta = min(LONGEST_REST, FIRST_REST * (1 << min(failures, 10)))
    until = moment + rest
    driver.execute(
        "INSERT INTO destination_states (destination, failures, blocked_until, because)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (destination) DO UPDATE SET failures = excluded.failures,"
        " blocked_until = excluded.blocked_until, because = excluded.because",
        (destination, failures + 1, driver.moment_in(until), because[:LONGEST_ANSWER]),
    )
    return until


def list_blocked() -> dict[str, datetime]:
    """The destinations that are left alone just now, and until when."""
    rows = driver.execute(
        "SELECT destination, blocked_until FROM destination_states WHERE blocked_until > ?",
        (driver.moment_in(now()),),
    )
    return {row[0]: driver.moment_out(row[1]) for row in rows}
