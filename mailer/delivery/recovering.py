"""Recovering what lost workers had in hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from mailer.delivery import owners
from mailer.delivery.outcomes import VANISHED, Result, Retries, result_of, uncertain, unsent
from mailer.delivery.recipients import KEY_PREFIX
from mailer.delivery.retrying import retries
from mailer.delivery.settling import settle
from mailer.delivery.verdicts import IS_FIRST
from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.turns import Turn
from mailer.transport import Outcome

_IN_HAND = """
SELECT d.id, d.attempts, d.first_tried_at, b.id FROM sending_batches b
JOIN deliveries d ON d.campaign_id = b.campaign_id
  AND d.contact_id > b.after_contact_id AND d.contact_id <= b.through_contact_id
WHERE b.owner = ? AND {IS_FIRST}
UNION ALL
SELECT d.id, d.attempts, d.first_tried_at, 0 FROM deliveries d
WHERE d.owner = ? AND d.state = 'claimed'
""".replace("{IS_FIRST}", IS_FIRST)
_GIVE_UP = """
UPDATE deliveries SET state = 'uncertain', attempts = attempts + 1, owner = ?, due_at = NULL,
  reply_text = ?, settled_at = ?
WHERE id = ? AND state IN ('planned', 'claimed')
"""


def settle_owner(
    owner: str,
    answered: Mapping[str, Outcome],
    at_risk: Collection[str],
) -> int:
    """Settle everything a dead `owner` left, by what its journal says; returns how many rows.

    Answered ones settle as answered, those whose final dot may have arrived are uncertain, all others
    were certainly not sent and are planned again. Doing it twice changes nothing.
    """
    _lock(owner)
    moment = now()
    rows = driver.execute(_IN_HAND, (owner, owner)).fetchall()
    settle(owner, [_result(row, answered, at_risk, moment, retries()) for row in rows])
    owners.leave(owner)
    return len(rows)


def expire_leases(living: Collection[str]) -> int:
    """Give up what owners had in hand whose lease is over and who left no journal here, for one turn; returns
    how many. Who is left over is given up when this is called again.

    It becomes uncertain: nothing tells how far their owner came (E-093). Owners in `living` hold a
    journal at this moment, so they are alive and only slow.
    """
    count = 0
    for owner in Turn().take(owners.list_expired()):
        if owner in living or not _lock(owner):
            continue
        at = driver.moment_in(now())
        rows = driver.execute(_IN_HAND, (owner, owner)).fetchall()
        driver.execute_each(_GIVE_UP, [(owner, VANISHED, at, row[0]) for row in rows])
        owners.leave(owner)
        count += len(rows)
    return count


def _lock(owner: str) -> bool:
    """Keep others from recovering the same owner; False when somebody did already."""
    query = "SELECT owner FROM sending_owners WHERE owner = ?"
    if driver.is_postgresql():
        query += " FOR UPDATE"
    return driver.execute(query, (owner,)).first() is not None


def _result(
    row: Any,
    answered: Mapping[str, Outcome],
    at_risk: Collection[str],
    moment: datetime,
    schedule: Retries,
) -> Result:
    delivery_id, attempts, tried_at, batch_id = row
    key = f"{KEY_PREFIX}{delivery_id}"
    if key in at_risk:
        return uncertain(delivery_id, moment, batch_id=batch_id)
    if key not in answered:
        return unsent(delivery_id, moment, batch_id=batch_id)
    return result_of(
        delivery_id,
        attempts,
        answered[key],
        first_tried_at=None if tried_at is None else driver.moment_out(tried_at),
        batch_id=batch_id,
        retries=schedule,
    )
