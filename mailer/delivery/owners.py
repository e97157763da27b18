"""Owners: which workers have mails in hand, and until when they are believed to be alive."""

from __future__ import annotations

from datetime import timedelta

from mailer.foundation import driver
from mailer.foundation.clock import now

LEASE = timedelta(minutes=2)


def be_alive(owner: str) -> None:
    """Say that `owner` is alive and still has everything it claimed in hand."""
    driver.execute(
        "INSERT INTO sending_owners (owner, lease_until) VALUES (?, ?)"
        " ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until",
        (owner, driver.moment_in(now() + LEASE)),
    )


def extend_lease(owner: str) -> bool:
    """Stay alive; False when `owner` was given up meanwhile and has nothing in hand any more."""
    extended = driver.execute(
        "UPDATE sending_owners SET lease_until = ? WHERE owner = ?",
        (driver.moment_in(now() + LEASE), owner),
    )
    return extended.rowcount > 0


def list_expired() -> list[str]:
    """Owners whose lease is over."""
    rows = driver.execute(
        "SELECT owner FROM sending_owners WHERE lease_until <= ?", (driver.moment_in(now()),)
    )
    return [row[0] for row in rows]


def leave(owner: str) -> None:
    """`owner` has nothing in hand any more."""
    driver.execute("DELETE FROM sending_batches WHERE owner = ?", (owner,))
    driver.execute("DELETE FROM sending_owners WHERE owner = ?", (owner,))
