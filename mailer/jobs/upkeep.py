"""Jobs of the queue `upkeep`: what the clock asks for, so that nothing stays asleep."""

from __future__ import annotations

from collections.abc import Mapping

from mailer import campaigns, delivery, signup, transactional
from mailer.foundation import queue
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.jobs import recovery, waking
from mailer.jobs.delivery import close_campaigns
from mailer.jobs.runner import job
from mailer.jobs.transactional import MessageSettler

EXPIRE_BATCH = 500


@job
def wake() -> Mapping[str, object] | None:
    """Every second: start what is scheduled, finish what is done, wake workers where rows are due."""
    with unit_of_work():
        due = campaigns.list_due(now())
    started = 0
    for campaign_id in due:
        with unit_of_work():
            started += campaigns.start_scheduled(campaigns.get_campaign_by_id(campaign_id))
    finished = close_campaigns()
    with unit_of_work():
        has_bulk, has_first = delivery.has_due(), transactional.has_due()
    if (has_bulk or has_first) and queue.is_up():
        if has_first:
            waking.wake_send_due()
        if has_bulk:
            waking.wake_drains()
    if not due and not finished:
        return None
    return {"started": started, "held_back": len(due) - started, "finished": finished}


@job
def recover() -> Mapping[str, object] | None:
    """Every ten seconds: settle what dead workers left."""
    count = recovery.recover([delivery, MessageSettler()])
    return {"recovered": count} if count else None


@job
def expire() -> Mapping[str, object] | None:
    """Every minute: erase what was never confirmed (C-028)."""
    total = 0
    while True:
        with unit_of_work():
            count = signup.expire_unconfirmed(limit=EXPIRE_BATCH)
        total += count
        if count < EXPIRE_BATCH:
            return {"expired": total} if total else None
