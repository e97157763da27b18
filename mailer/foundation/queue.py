"""RQ and Redis: jobs carry ids only, as JSON, and only wake a worker; the row is the truth (S-067)."""

from __future__ import annotations

import logging
from functools import lru_cache

import redis
from rq import Queue
from rq.exceptions import DuplicateJobError

from mailer.foundation.context import settings

log = logging.getLogger(__name__)

FIRST = "first"  # confirmation and other service mail, ahead of everything
BULK = "bulk"  # campaigns
UPKEEP = "upkeep"  # the clock's chores
QUEUES = (FIRST, BULK, UPKEEP)

JOB_TIMEOUT_SECONDS = 900
RESULT_SECONDS = 30
FAILURE_SECONDS = 86_400


@lru_cache(maxsize=8)
def connect(url: str) -> redis.Redis:
    """A connection pool for `url`; no connection is made until it is used."""
    return redis.Redis.from_url(url, socket_connect_timeout=1, health_check_interval=30)


def connection() -> redis.Redis:
    """The Redis of the active application."""
    return connect(settings().redis_url)


def enqueue(queue: str, job: str, *args: str | int, job_id: str) -> bool:
    """Wake a worker of `queue` to run `job` (a dotted path below mailer.jobs) with `args`.

    At most one job with `job_id` (letters, digits, `-`, `_`) waits or runs at a time. Returns False, and
    raises nothing, when one is there already or Redis is down: the clock will wake again.
    """
    try:
        Queue(queue, connection=connection(), serializer="json").enqueue(
            job,
            args=args,
            job_id=job_id,
            unique=True,
            job_timeout=JOB_TIMEOUT_SECONDS,
            result_ttl=0,
            failure_ttl=FAILURE_SECONDS,
        )
    except DuplicateJobError:
        return False
    except (redis.RedisError, OSError) as error:
        log.warning(
            "Redis does not answer (%s); the clock will wake the worker", type(error).__name__
        )
        return False
    return True


def is_up() -> bool:
    """Whether Redis answers."""
    try:
        return bool(connection().ping())
    except (redis.RedisError, OSError):
        return False
