"""Waking workers. A wake-up that is lost, or comes twice, does no harm: the rows say what is due.

Ids hold the second they were made in, so that several callers wake once, and so that a job which died
with its worker cannot stand in the way of the next.
"""

from __future__ import annotations

import time

import redis
from rq import Queue

from mailer.foundation import queue
from mailer.foundation.context import settings

MOST_WAITING = 8
SOON_SECONDS = 0.2
_soon = {"next": 0.0}


def wake_drains() -> None:
    """Wake all slots of the campaign workers."""
    for slot in range(settings().worker_count):
        wake_drain(slot)


def wake_drain(slot: int) -> None:
    """Wake one slot of the campaign workers."""
    _wake(queue.BULK, "mailer.jobs.delivery.drain", slot, name=f"drain-{slot}")


def wake_send_due() -> None:
    """Wake the worker of the service mails."""
    _wake(queue.FIRST, "mailer.jobs.transactional.send_due", name="send-due")


def wake_send_due_soon() -> None:
    """The same, at most five times a second from this process: a worker that is awake takes what comes."""
    moment = time.monotonic()
    if moment >= _soon["next"]:
        _soon["next"] = moment + SOON_SECONDS
        wake_send_due()


def wake_upkeep(chore: str, *, every: int = 1) -> None:
    """Wake the worker of the chores for `chore`, once in `every` seconds."""
    _wake(queue.UPKEEP, f"mailer.jobs.upkeep.{chore}", name=chore, every=every)


def _wake(queue_name: str, job: str, *args: int, name: str, every: int = 1) -> None:
    most = max(MOST_WAITING, settings().worker_count)
    waiting = _count_waiting(queue_name)
    if waiting is not None and waiting < most:
        queue.enqueue(queue_name, job, *args, job_id=f"{name}-{int(time.time()) // every}")


def _count_waiting(queue_name: str) -> int | None:
    """How many jobs wait, so that a worker that is away does not find a heap; None without Redis."""
    try:
        return int(Queue(queue_name, connection=queue.connection()).count)
    except (redis.RedisError, OSError):
        return None
