"""Permits to do something so often in a second, counted over all processes and hosts in one Redis.

A token bucket: it fills at a rate and holds a quarter of a second's worth. Without Redis each process
takes its own share of the rate, so that all together stay below it; and keeps to its share for some more
seconds when Redis is back, until all others have noticed as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import redis

from mailer.foundation.context import settings
from mailer.foundation.queue import connect_briefly

CHUNKS_PER_SECOND = 20  # permits are fetched for so long a time at once
BUCKET_SECONDS = 0.25
REST_SECONDS = 5.0  # how long a Redis that did not answer is left alone
CAREFUL_SECONDS = REST_SECONDS + 1.0  # after its return; by then everybody has asked it again
MEMBER_SECONDS = 60  # who asked within these counts as one of us

# One call: how many of the wanted permits are granted, and how many processes share this bucket.
_SCRIPT = """
local rate, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1]) or 0, tonumber(held[2]) or now - 1 / rate
tokens = math.min(most, tokens + math.max(0, now - at) * rate)
local granted = math.min(wanted, math.floor(tokens))
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - granted), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(most / rate) + 60)
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now - tonumber(ARGV[5]))
redis.call('EXPIRE', KEYS[2], tonumber(ARGV[5]))
return {granted, redis.call('ZCARD', KEYS[2])}
"""


class Redis:
    """The shared buckets, and how many processes use them; silent for a while when it is down."""

    def __init__(self, member: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.members = max(1, settings().worker_count)
        self._member = member
        self._monotonic = monotonic
        self._quiet_until = 0.0
        self._careful_until = 0.0

    @property
    def is_careful(self) -> bool:
        """Whether some may not know yet that Redis is back, so that each keeps to its share."""
        return self._monotonic() < self._careful_until

    def take(self, key: str, rate: float, wanted: int) -> int | None:
        """How many of `wanted` permits are granted; None while Redis does not answer."""
        if self._monotonic() < self._quiet_until:
            return None
        most = max(1.0, rate * BUCKET_SECONDS)
        try:
            granted, members = connect_briefly(settings().redis_url).eval(
                _SCRIPT, 2, f"permits:{key}", f"permits-by:{key}",
                rate, most, wanted, self._member, MEMBER_SECONDS,
            )  # fmt: skip
        except (redis.RedisError, OSError):
            self._quiet_until = self._monotonic() + REST_SECONDS
            self._careful_until = math.inf
            return None
        if self._careful_until == math.inf:
            self._careful_until = self._monotonic() + CAREFUL_SECONDS
        self.members = max(int(members), settings().worker_count)
        return int(granted)


class Permits:
    """Permits of one bucket as one process uses them; fetched in chunks, given out one by one."""

    def __init__(self, key: str, rate: float, shared: Redis) -> None:
        self.key = key
        self.rate = rate  # a second, of all processes together
        self._shared = shared
        self._stock = 0
        self._again_at = 0.0
        self._own_tokens = 0.0
        self._own_at: float | None = None

    @property
    def share(self) -> float:
        """What this process may use of the rate when all use theirs."""
        return self.rate / self._shared.members

    def take(self) -> bool:
        """Use one permit, if there is one now."""
        if self._stock == 0:
            self._fetch()
        if self._stock == 0:
            return False
        self._stock -= 1
        return True

    def give_back(self) -> None:
        """The permit was not used."""
        self._stock += 1

    def _fetch(self) -> None:
        moment = time.monotonic()
        if moment < self._again_at:
            return
        wanted = max(1, math.ceil(self.rate / CHUNKS_PER_SECOND))
        own = self._fill_own(moment, wanted)
        if self._shared.is_careful:
            wanted = own
        granted = self._shared.take(self.key, self.rate, wanted) if wanted else 0
        if granted is None:
            granted = own
        if self._shared.is_careful:
            self._own_tokens -= granted
        else:
            self._own_tokens = 0.0
        self._stock = granted
        if not granted:
            # Not before one can be there, and not so often that asking costs more than sending.
            self._again_at = moment + max(0.01, min(1.0, 0.5 / self.rate))

    def _fill_own(self, moment: float, wanted: int) -> int:
        """The same bucket in this process, filled at its share; how many of `wanted` are there."""
        if self._own_at is None:
            self._own_at = moment - 1 / self.share
        most = max(1.0, self.share * BUCKET_SECONDS)
        self._own_tokens = min(most, self._own_tokens + (moment - self._own_at) * self.share)
        self._own_at = moment
        return min(wanted, int(self._own_tokens))
