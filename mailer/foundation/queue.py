"""RQ and Redis: jobs carry ids only, as JSON, and only wake a worker; the row is the truth (S-067)."""

from __future__ import annotations

import logging
from functools import lru_cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError

from mailer.foundation.context import settings

log = logging.getLogger(__name__)

FIRST = "first"  # confirmation and other service mail, ahead of everything
BULK = "bulk"  # campaigns
UPKEEP = "upkeep"  # the clock's chores
QUEUES = (FIRST, BULK, UPKEEP)

PATIENCE_SECONDS = 1
BRIEF_SECONDS = 0.2
JOB_TIMEOUT_SECONDS = 900
RESULT_SECONDS = 30
FAILURE_SECONDS = 86_400


@lru_cache(maxsize=8)
def connect(url: str) -> redis.Redis:
    """A connection pool for `url`; no connection is made until it is used.

    A Redis that hangs is given up after PATIENCE_SECONDS: all it holds is found again in the rows.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        # The client's own default, ten more tries of five seconds, would hold a visitor for a minute.
        # One more try, for a connection that Redis has closed since; none after a time-out.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        health_check_interval=30,
    )


@lru_cache(maxsize=8)
def connect_briefly(url: str) -> redis.Redis:
    """As `connect`, for who cannot wait: a Redis that hangs is given up after a fifth of a second."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=BRIEF_SECONDS,
        socket_timeout=BRIEF_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


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
