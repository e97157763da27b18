"""Settling: what became of claimed rows is written down in bulk, fenced by their owner."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from mailer.delivery.claiming import KEY_PREFIX, LEASE
from mailer.delivery.outcomes import VANISHED, Result, result_of, uncertain
from mailer.delivery.states import DeliveryState
from mailer.delivery.tables import DELIVERIES, IS_CLAIMED, IS_CLAIMED_OR_UNCERTAIN
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.transport import Outcome

_FINAL = (DeliveryState.ACCEPTED, DeliveryState.REFUSED)
_COMES_BACK = (DeliveryState.PLANNED, DeliveryState.DEFERRED)
_C = DELIVERIES.c


def settle(owner: str, results: Sequence[Result]) -> None:
    """Write down `results` for rows that `owner` holds, and extend the lease of the others.

    A row that is not its owner's any more is left alone. An answer that comes after the row was given
    up for uncertain still counts, as long as nobody else took it.
    """
    if results:
        for group in (True, False):
            rows = [_values(owner, one) for one in results if (one.state in _FINAL) is group]
            if rows:
                db.session.execute(_statement(is_final=group), rows)
        db.session.execute(
            sa.update(DELIVERIES)
            .where(_C.owner == owner, IS_CLAIMED)
            .values(lease_until=now() + LEASE)
        )


def settle_owner(owner: str, answered: Mapping[str, Outcome], at_risk: Collection[str]) -> int:
    """Settle everything a dead `owner` left, by what its journal says; returns how many rows.

    Answered ones settle as answered, those whose final dot may have arrived are uncertain, all others
    were certainly not sent and are planned again. Doing it twice changes nothing.
    """
    rows = db.session.execute(
        sa.select(_C.id, _C.attempts).where(_C.owner == owner, IS_CLAIMED).with_for_update()
    ).all()
    moment = now()
    results = []
    for delivery_id, attempts in rows:
        key = f"{KEY_PREFIX}{delivery_id}"
        if key in at_risk:
            results.append(uncertain(delivery_id, moment))
        elif key in answered:
            results.append(result_of(delivery_id, attempts, answered[key]))
        else:
            results.append(Result(delivery_id, DeliveryState.PLANNED, moment, is_try=False))
    settle(owner, results)
    return len(rows)


def expire_leases(living: Collection[str]) -> int:
    """Give up rows whose lease is over and whose owner left no journal here; returns how many.

    They become uncertain: nothing tells how far their owner came (E-093). Owners in `living` hold a
    journal at this moment, so they are alive and only slow.
    """
    moment = now()
    expired = db.session.execute(
        sa.update(DELIVERIES)
        .where(IS_CLAIMED, _C.lease_until <= moment, _C.owner.not_in(living))
        .values(
            state=DeliveryState.UNCERTAIN,
            attempts=_C.attempts + 1,
            lease_until=None,
            reply_text=VANISHED,
            settled_at=moment,
        )
        .returning(_C.id)
    )
    return len(expired.all())


@functools.cache
def _statement(*, is_final: bool) -> sa.Update:
    """One UPDATE for many rows, each found by its id and fenced by its owner and state."""
    return (
        sa.update(DELIVERIES)
        .where(
            _C.id == sa.bindparam("row_id"),
            _C.owner == sa.bindparam("row_owner"),
            IS_CLAIMED_OR_UNCERTAIN if is_final else IS_CLAIMED,
        )
        .values(
            state=sa.bindparam("new_state"),
            skip_reason=sa.bindparam("new_skip_reason"),
            attempts=_C.attempts + sa.bindparam("tries"),
            due_at=sa.func.coalesce(sa.bindparam("new_due_at", type_=_C.due_at.type), _C.due_at),
            owner=sa.bindparam("new_owner"),
            lease_until=None,
            reply_code=sa.func.coalesce(sa.bindparam("new_code", type_=sa.Integer), _C.reply_code),
            reply_text=sa.case(
                (sa.bindparam("new_text", type_=sa.Text) == "", _C.reply_text),
                else_=sa.bindparam("new_text", type_=sa.Text),
            ),
            settled_at=sa.bindparam("new_settled_at"),
        )
    )


def _values(owner: str, result: Result) -> dict[str, object]:
    comes_back = result.state in _COMES_BACK
    # An uncertain row remembers its owner, whose answer may still come.
    keeps_owner = result.state is DeliveryState.UNCERTAIN
    return {
        "row_id": result.delivery_id,
        "row_owner": owner,
        "new_state": result.state,
        "new_skip_reason": result.skip_reason,
        "tries": int(result.is_try),
        "new_due_at": result.due_at,
        "new_owner": owner if keeps_owner else None,
        "new_code": result.reply_code,
        "new_text": result.reply_text,
        "new_settled_at": None if comes_back else result.at,
    }
