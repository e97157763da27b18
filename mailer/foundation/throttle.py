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

# One round trip for many, one after the other; for each all or nothing: either every limit of theirs has room
# and all are counted, or none is. ARGV: now, then for each how many limits, and count and window of each.
# The answer for each is 0, or the place of the first limit that is used up.
_SCRIPT = """
local now, at, first = tonumber(ARGV[1]), 2, 1
local answers = {}
while at <= #ARGV do
  local limits, full, names = tonumber(ARGV[at]), 0, {}
  for i = 0, limits - 1 do
    local key, slot = KEYS[first + i] .. ':', math.floor(now / ARGV[at + 2 + 2 * i])
    names[2 * i + 1], names[2 * i + 2] = key .. (slot - 1), key .. slot
  end
  local counts = limits > 0 and redis.call('MGET', unpack(names)) or {}
  for i = 0, limits - 1 do
    local count, window = tonumber(ARGV[at + 1 + 2 * i]), tonumber(ARGV[at + 2 + 2 * i])
    local last, this = counts[2 * i + 1] or 0, counts[2 * i + 2] or 0
    if last * (1 - (now % window) / window) + this >= count then
      full = i + 1
      break
    end
  end
  for i = 0, full == 0 and limits - 1 or -1 do
    local key = names[2 * i + 2]
    if redis.call('INCR', key) == 1 then
      redis.call('EXPIRE', key, ARGV[at + 2 + 2 * i] * 2)
    end
  end
  answers[#answers + 1] = full
  at, first = at + 1 + 2 * limits, first + limits
end
return answers
"""

# Takes one off every counter that has any; the time by which it ends stays.
_GIVE_BACK = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then
    redis.call('DECR', key)
  end
end
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in `seconds` for `key`; keys hold digests, never an address."""

    key: str
    count: int
    seconds: int


def is_within(limits: Sequence[Limit]) -> bool:
    """Count one occurrence against all `limits`; False, counting nothing, when one is used up."""
    return are_within([limits])[0]


def are_within(occurrences: Sequence[Sequence[Limit]]) -> list[bool]:
    """Like `is_within` for several occurrences, one after the other and in their order."""
    return [full is None for full in find_full(occurrences)]


def find_full(occurrences: Sequence[Sequence[Limit]]) -> list[Limit | None]:
    """Like `are_within`, with the first limit that is used up in place of False, and None in place of True."""
    now = time.time()
    keys = [f"limit:{limit.key}" for limits in occurrences for limit in limits]
    numbers: list[float] = [now]
    for limits in occurrences:
        numbers.append(len(limits))
        for limit in limits:
            numbers += (limit.count, limit.seconds)
    try:
        answers = connection().eval(_SCRIPT, len(keys), *keys, *numbers)
    except (redis.RedisError, OSError):
        return [_local().find_full(limits, now) for limits in occurrences]
    return [
        limits[int(answer) - 1] if int(answer) else None
        for limits, answer in zip(occurrences, answers, strict=True)
    ]


def give_back(limits: Sequence[Limit], counted_at: float | None = None) -> None:
    """Take one occurrence off `limits` again, counted at `counted_at` (seconds since 1970) or just now."""
    counted_at = time.time() if counted_at is None else counted_at
    keys = [f"limit:{limit.key}:{int(counted_at // limit.seconds)}" for limit in limits]
    try:
        connection().eval(_GIVE_BACK, len(keys), *keys)
    except (redis.RedisError, OSError):
        _local().give_back(limits, counted_at)


class _LocalCounters:
    """The same windows in this process; half the count, since others count beside us."""

    LARGEST = 50_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], int] = {}

    def find_full(self, limits: Sequence[Limit], now: float) -> Limit | None:
        with self._lock:
            if len(self._counts) > self.LARGEST:
                self._counts.clear()
            slots = [(limit, int(now // limit.seconds)) for limit in limits]
            for limit, slot in slots:
                if self._used(limit, slot, now) >= max(1, limit.count // 2):
                    return limit
            for limit, slot in slots:
                self._counts[limit.key, slot] = self._counts.get((limit.key, slot), 0) + 1
            return None

    def give_back(self, limits: Sequence[Limit], counted_at: float) -> None:
        with self._lock:
            for limit in limits:
                place = (limit.key, int(counted_at // limit.seconds))
                self._counts[place] = max(0, self._counts.get(place, 0) - 1)

    def _used(self, limit: Limit, slot: int, now: float) -> float:
        share = 1 - (now % limit.seconds) / limit.seconds
        last = self._counts.get((limit.key, slot - 1), 0)
        return last * share + self._counts.get((limit.key, slot), 0)


def _local() -> _LocalCounters:
    """The counters of this application in this process."""
    kept: _LocalCounters = extensions().setdefault("mailer.throttle", _LocalCounters())
    return kept
