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
_SCRIPT = """
local now, at, first = tonumber(ARGV[1]), 2, 1
local answers = {}
while at <= #ARGV do
  local limits, has_room, names = tonumber(ARGV[at]), 1, {}
  for i = 0, limits - 1 do
    local key, slot = KEYS[first + i] .. ':', math.floor(now / ARGV[at + 2 + 2 * i])
    names[2 * i + 1], names[2 * i + 2] = key .. (slot - 1), key .. slot
  end
  local counts = limits > 0 and redis.call('MGET', unpack(names)) or {}
  for i = 0, limits - 1 do
    local count, window = tonumber(ARGV[at + 1 + 2 * i]), tonumber(ARGV[at + 2 + 2 * i])
    local last, this = counts[2 * i + 1] or 0, counts[2 * i + 2] or 0
    if last * (1 - (now % window) / window) + this >= count then
      has_room = 0
      break
    end
  end
  for i = 0, has_room * limits - 1 do
    local key = names[2 * i + 2]
    if redis.call('INCR', key) == 1 then
      redis.call('EXPIRE', key, ARGV[at + 2 + 2 * i] * 2)
    end
  end
  answers[#answers + 1] = has_room
  at, first = at + 1 + 2 * limits, first + limits
end
return answers
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
        return [_local().is_within(limits, now) for limits in occurrences]
    return [int(answer) == 1 for answer in answers]


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
