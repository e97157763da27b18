"""Limits on how often something may happen, shared through Redis; counted in this process when Redis is down.

A sliding window of two counters: the last full window counts for the share of it still in view.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from mailer.foundation.context import extensions
from mailer.foundation.queue import connection

# One round trip, all or nothing: either every limit has room and all are counted, or none is.
_SCRIPT = """
local now = tonumber(ARGV[1])
for i = 1, #KEYS do
  local count, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local slot = math.floor(now / window)
  local last = tonumber(redis.call('GET', KEYS[i] .. ':' .. (slot - 1)) or '0')
  local this = tonumber(redis.call('GET', KEYS[i] .. ':' .. slot) or '0')
  if last * (1 - (now % window) / window) + this >= count then return i end
end
for i = 1, #KEYS do
  local window = tonumber(ARGV[2 * i + 1])
  local key = KEYS[i] .. ':' .. math.floor(now / window)
  redis.call('INCR', key)
  redis.call('EXPIRE', key, window * 2)
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in `seconds` for `key`; keys hold digests, never an address."""

    key: str
    count: int
    seconds: int


def is_within(limits: Sequence[Limit]) -> bool:
    """Count one occurrence against all `limits`; False, counting nothing, when one is used up."""
    now = time.time()
    try:
        refused = connection().eval(
            _SCRIPT,
            len(limits),
            *(f"limit:{limit.key}" for limit in limits),
            now,
            *(number for limit in limits for number in (limit.count, limit.seconds)),
        )
    except (redis.RedisError, OSError):
        return _local().is_within(limits, now)
    return int(refused) == 0


class _LocalCounters:
    """The same windows in this process; half the count, since others count beside us."""

    LARGEST = 50_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], int] = {}

    def is_within(self, limits: Sequence[Limit], now: float) -> bool:
        with self._lock:
            if len(self._counts) > self.LARGEST:
                self._counts.clear()
            slots = [(limit, int(now // limit.seconds)) for limit in limits]
            if any(
                self._used(limit, slot, now) >= max(1, limit.count // 2) for limit, slot in slots
            ):
                return False
            for limit, slot in slots:
                self._counts[limit.key, slot] = self._counts.get((limit.key, slot), 0) + 1
            return True

    def _used(self, limit: Limit, slot: int, now: float) -> float:
        share = 1 - (now % limit.seconds) / limit.seconds
        last = self._counts.get((limit.key, slot - 1), 0)
        return last * share + self._counts.get((limit.key, slot), 0)


def _local() -> _LocalCounters:
    """The counters of this application in this process."""
    kept: _LocalCounters = extensions().setdefault("mailer.throttle", _LocalCounters())
    return kept
