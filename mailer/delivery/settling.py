"""Settling: what became of claimed rows is written down in bulk, fenced by who has them in hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from mailer.delivery.bounces import note_bounces
from mailer.delivery.outcomes import Result, unsent
from mailer.delivery.states import OPEN, DeliveryState
from mailer.foundation import driver

_UNIT = "\x1f"  # unit separator
_FINAL = (DeliveryState.ACCEPTED, DeliveryState.REFUSED)

# In the common case the batch was asked for already, so the row need not be asked whose it is. The state is
# written so that PostgreSQL does not go by its index, which finds all that is planned.
_ACCEPT = """
UPDATE deliveries
SET state = 'accepted', attempts = attempts + 1, reply_code = ?, reply_text = ?, settled_at = ?
WHERE id = ? AND (state || '') = 'planned' AND due_at IS NULL
"""
# Lists go as one string each: to write them as arrays takes the driver five microseconds a mail.
_ACCEPT_MANY = """
UPDATE deliveries AS d
SET state = 'accepted', attempts = attempts + 1, reply_code = v.code, reply_text = COALESCE(v.text, ''),
  settled_at = v.at
FROM unnest(
  string_to_array(?, ',', '')::int[], string_to_array(?, E'\\x1F'),
  string_to_array(?, ',')::timestamptz[], string_to_array(?, ',')::bigint[]
) AS v (code, text, at, id)
WHERE d.id = ANY (string_to_array(?, ',')::bigint[]) AND d.id = v.id
  AND (d.state || '') = 'planned' AND d.due_at IS NULL
"""
_SETTLE = """
UPDATE deliveries
SET state = ?, skip_reason = ?, attempts = attempts + ?, due_at = ?,
  first_tried_at = COALESCE(first_tried_at, ?), owner = ?, reply_code = COALESCE(?, reply_code),
  reply_text = COALESCE(?, reply_text), settled_at = ?
WHERE id = ? AND (
  (state = 'planned' AND due_at IS NULL AND ? = 1)
  OR (owner = ? AND (state = 'claimed' OR (state = 'uncertain' AND ? = 1)))
)
"""


def settle(owner: str, results: Sequence[Result], *, done: Collection[int] = ()) -> None:
    """Write down `results` for rows that `owner` has in hand, and close the batches that are `done`.

    Addresses that bounced are suppressed in the same transaction (E-083). A row that is not its owner's any
    more is left alone. An answer that comes after the row was given up for uncertain still counts, as long as
    nobody else took it. What was refused in words that may be about us while the campaign was being paused by
    itself for that is planned again.
    """
    mine = _lock_batches(owner)
    plain: list[Result] = []
    others: list[Result] = []
    for result in results:
        is_plain = result.state is DeliveryState.ACCEPTED and result.batch_id in mine
        (plain if is_plain else others).append(result)
    if plain:
        _accept(plain)
    others = _given_back(others)
    if others:
        driver.execute_each(_SETTLE, [_values(owner, one, one.batch_id in mine) for one in others])
        note_bounces([one.delivery_id for one in others if one.is_bounce])
    for batch_id in done:
        driver.execute("DELETE FROM sending_batches WHERE id = ? AND owner = ?", (batch_id, owner))


def _given_back(results: Sequence[Result]) -> list[Result]:
    """The results as they are written: who comes late to a pause by itself is given back as well.

    The campaign's row is locked, so that whoever pauses it sees what is written here, or this sees the pause.
    """
    doubtful = [one.delivery_id for one in results if one.may_come_back]
    if not doubtful:
        return list(results)
    marks = driver.marks(len(doubtful))
    query = (
        "SELECT d.id, c.state, c.held_because FROM deliveries d"  # noqa: S608  # made of constants and marks
        f" JOIN campaigns c ON c.id = d.campaign_id WHERE d.id IN ({marks})"
    )
    if driver.is_postgresql():
        query += " FOR SHARE OF c"
    paused = {
        row[0] for row in driver.execute(query, tuple(doubtful)) if row[1] == "paused" and row[2]
    }
    return [
        unsent(one.delivery_id, one.at, batch_id=one.batch_id) if one.delivery_id in paused else one
        for one in results
    ]


def _lock_batches(owner: str) -> set[int]:
    """The batches in `owner`'s hand, which nobody takes away until the transaction ends."""
    query = "SELECT id FROM sending_batches WHERE owner = ?"
    if driver.is_postgresql():
        query += " FOR UPDATE"
    return {row[0] for row in driver.execute(query, (owner,))}


def _accept(results: Sequence[Result]) -> None:
    # Outcomes of one round share their moment; all are in UTC, as the transport gives them.
    times = {at: at.isoformat(" ", "microseconds")[:26] for at in {one[2] for one in results}}
    if not driver.is_postgresql():
        driver.execute_each(_ACCEPT, [(one[6], one[7], times[one[2]], one[0]) for one in results])
        return
    ids = ",".join([str(one.delivery_id) for one in results])
    columns = (
        ",".join(["" if one.reply_code is None else str(one.reply_code) for one in results]),
        _UNIT.join([one.reply_text.replace(_UNIT, " ") for one in results]).replace("\0", ""),
        ",".join([f"{times[one.at]}Z" for one in results]),
        ids,
        ids,
    )
    driver.prefer(off="nestloop mergejoin seqscan bitmapscan")
    driver.execute(_ACCEPT_MANY, columns)


def _values(owner: str, result: Result, is_mine: bool) -> tuple[Any, ...]:
    at = driver.moment_in(result.at)
    return (
        result.state.value,
        result.skip_reason.value if result.skip_reason else None,
        int(result.is_try),
        driver.moment_in(result.due_at) if result.due_at else None,
        at if result.is_try or result.reply_code else None,
        # An uncertain row remembers its owner, whose answer may still come.
        owner if result.state is DeliveryState.UNCERTAIN else None,
        result.reply_code,
        result.reply_text.replace("\0", "") or None,
        None if result.state in OPEN else at,
        result.delivery_id,
        int(is_mine),
        owner,
        int(result.state in _FINAL),
    )
