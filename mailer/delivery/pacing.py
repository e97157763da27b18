"""The pace of one worker: which mail may go now, and when to ask again about one that may not (E-065).

Rates count over all workers. How many mails to one destination are on their way at once is each worker's
share. A destination that asked us to wait is left alone by all; afterwards it begins with one mail at a
time and doubles with each that is taken. A limit of a domain holds beside that of the provider who hosts it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from mailer.delivery.outcomes import asks_to_wait, series_of
from mailer.delivery.recipients import Recipient
from mailer.delivery.relay_pace import RelayPace
from mailer.destinations import LimitKind, SendingLimit, rate_of
from mailer.foundation.addresses import ascii_domain
from mailer.foundation.clock import now
from mailer.foundation.permits import Permits, Redis
from mailer.transport import (
    FOR_NOW,
    Outcome,
    OutcomeKind,
    is_about_connections,
    is_of_the_relay,
    read_outcome,
)

ASK_AGAIN = 0.05  # seconds, for a place on the wire
FARTHEST = 600.0  # seconds; then it is asked again, for limits change
REPEATS = 3  # answers of 4.7.x in a row: one alone is often about the address (greylisting)
MANY_REPEATS = 10  # of what a relay may say on its own account, while others are taken
MANY_DESTINATIONS = (
    3  # with the same answer and hardly a mail taken between: the relay itself says so
)
MOST_TAKEN = 5  # meanwhile, besides one for each that was not
STUCK_AFTER = 300.0  # seconds in which the relay takes nothing and wants less
WELL_AGAIN = 64  # mails at once, after which a destination goes as fast as ever


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet. `is_general` when nobody of the campaign may go, else only this destination waits."""

    seconds: float
    is_general: bool


@dataclass(slots=True)
class _Bucket:
    permits: Permits
    next_at: float = 0.0  # when the next one that waits can be expected to go

    def slot(self, moment: float) -> float:
        """Seconds until the next of those that wait can go; each that asks gets its own."""
        self.next_at = max(moment, self.next_at) + 1 / self.permits.share
        return min(FARTHEST, self.next_at - moment)


@dataclass(slots=True)
class _Health:
    """How one destination takes our mail."""

    at_once: float | None = None  # while it recovers
    objections: int = 0
    others_taken: int = 0  # how many mails had been taken anywhere when the first objection came


@dataclass(slots=True)
class _Asking:
    """Destinations that gave the same temporary answer, and how many mails were taken meanwhile."""

    taken_before: int
    length: int = 0
    destinations: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Limits:
    rates: dict[tuple[LimitKind, int, str], float] = field(default_factory=dict)
    at_once: dict[tuple[int, str], int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rates or self.at_once)


class Pacer:
    """Decides for one worker. `allow` before a mail is handed over, `heard` when it has its outcome."""

    def __init__(self, owner: str) -> None:
        self.blocked: Mapping[str, datetime] = {}
        self._redis = Redis(owner)
        self._limits = _Limits()
        self._buckets: dict[tuple[LimitKind, int, str], _Bucket] = {}
        self._flying: Counter[str] = Counter()
        self._health: dict[str, _Health] = {}
        self._alike: dict[str, _Asking] = {}  # by the answer
        self._taken = 0  # while anything is limited
        self.relay = RelayPace()
        self.asked = ""  # how the relay last asked for less
        self.is_the_relays = False  # whether what was last heard means the relay as a whole

    def begin(self, connections: int = 1) -> None:
        """Nothing is on its way: a run begins, and what the last one left without an answer is settled."""
        self._flying.clear()
        self.relay.begin(connections, time.monotonic())

    def know(self, limits: Iterable[SendingLimit], blocked: Mapping[str, datetime]) -> None:
        """Take note of the limits as they are set, and of who asked to be left alone."""
        moment = now()
        known = _Limits()
        for one in limits:
            rate = rate_of(one, moment)
            if rate is not None:
                known.rates[one.kind, one.organisation_id, one.subject] = rate
            if one.at_once is not None and one.kind is LimitKind.DESTINATION:
                known.at_once[one.organisation_id, one.subject] = one.at_once
        for key, bucket in list(self._buckets.items()):
            if known.rates.get(key) != bucket.permits.rate:
                del self._buckets[key]
        for destination in blocked.keys() - self.blocked.keys():
            self._health.setdefault(destination, _Health()).at_once = 1
        self._limits, self.blocked = known, dict(blocked)
        if self.is_free:
            self._flying.clear()  # for nobody tells of mails that land while nothing is limited

    @property
    def is_free(self) -> bool:
        """Whether nothing is limited, so that nobody has to be asked."""
        return not (self._limits or self.blocked or self._health) and self.relay.is_free

    def allow(self, recipient: Recipient, organisation_id: int, sender: str) -> Wait | None:
        """Use a permit of each limit that is set for this mail; or else how long it has to wait."""
        if self.relay.room(time.monotonic()) == 0:
            return Wait(0.0, is_general=True)
        destination = recipient.destination
        if (until := self.blocked.get(destination)) is not None:
            seconds = (until - now()).total_seconds()
            if seconds > 0:
                return Wait(min(seconds, FARTHEST), is_general=False)
        names = _names_of(destination, recipient.address)
        if not self._has_room(organisation_id, names):
            return Wait(ASK_AGAIN, is_general=False)
        wait = self._use_permits(organisation_id, sender, names)
        if wait is None:
            self._flying.update(names)
            if not self.relay.is_free:
                self.relay.go(recipient.delivery_id)
        return wait

    def heard(self, recipient: Recipient, outcome: Outcome, taken: int = 0) -> str | None:
        """Learn from an outcome; the answer with which the destination asks us to wait, or None.

        `taken` is how many mails of this run the relay has taken so far.
        """
        cuts_before = self.relay.landed(recipient.delivery_id)
        self.unused(recipient)
        destination = recipient.destination
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._taken += 1
            self.relay.taken()
            self._recover(destination)
            return None
        is_the_relays = self.is_the_relays = self._slows_the_relay(recipient, outcome, taken)
        if is_the_relays:
            self.asked = f"{outcome.code} {outcome.text}"
            self.relay.refused(
                cuts_before, taken, time.monotonic(), at_once=is_about_connections(outcome)
            )
        if not asks_to_wait(outcome):
            return None
        health = self._health.setdefault(destination, _Health(others_taken=self._taken))
        health.objections += 1
        if is_the_relays:
            others = self._taken - health.others_taken
            if min(health.objections, others) < MANY_REPEATS:
                return None
        elif outcome.code != 421 and health.objections < REPEATS:
            return None
        health.objections, health.at_once = 0, 1
        health.others_taken = self._taken
        return f"{outcome.code} {outcome.text}"

    def take_for_the_relays(self, recipient: Recipient, answer: str, taken: int) -> None:
        """Slow the relay down where all mail goes to the one destination that asks us to wait."""
        self._health.pop(recipient.destination, None)
        self.asked = answer
        self.relay.refused_anew(taken, time.monotonic())

    def _slows_the_relay(self, recipient: Recipient, outcome: Outcome, taken: int) -> bool:
        """Whether the relay as a whole wants us slower: it says so, or says the same of many destinations."""
        if outcome.code is None or outcome.kind is OutcomeKind.ACCEPTED:
            return False
        about, is_said = read_outcome(outcome)
        is_for_now = about in FOR_NOW
        if is_for_now and is_of_the_relay(outcome):
            return True
        may_be_a_destinations = outcome.code == 421 or (outcome.enhanced or "").startswith("4.7.")
        if is_for_now and is_said and not (may_be_a_destinations and self.relay.is_free):
            return True
        if outcome.stage == "mail" or not (is_for_now or outcome.kind is OutcomeKind.DEFERRED):
            return False
        series = series_of(outcome.code, outcome.text, outcome.stage, outcome.enhanced)
        if not series:
            return False
        asking = self._alike.get(series)
        if asking is None or not 0 <= taken - asking.taken_before <= MOST_TAKEN + asking.length:
            asking = self._alike[series] = _Asking(taken)
        asking.length += 1
        asking.destinations.add(recipient.destination)
        return len(asking.destinations) >= MANY_DESTINATIONS

    def stuck(self, moment: float) -> str | None:
        """The answer of a relay that has wanted less for minutes and took nothing; asked, it is told anew."""
        since = self.relay.nothing_since
        if since is None or moment - since < STUCK_AFTER:
            return None
        self.relay.nothing_since = None
        return self.asked

    def unused(self, recipient: Recipient) -> None:
        """A mail that was allowed is not on its way, or did not go after all."""
        self.relay.landed(recipient.delivery_id)
        for name in _names_of(recipient.destination, recipient.address):
            if self._flying[name] > 1:
                self._flying[name] -= 1
            else:
                del self._flying[name]

    def _recover(self, destination: str) -> None:
        known = self._health.get(destination)
        if known is None:
            return
        known.objections = 0
        known.others_taken = self._taken
        known.at_once = known.at_once and known.at_once * 2
        if known.at_once is None or known.at_once > WELL_AGAIN:
            del self._health[destination]

    def _has_room(self, organisation_id: int, names: tuple[str, ...]) -> bool:
        for name in names:
            most = self._limits.at_once.get((organisation_id, name))
            if most is not None and self._flying[name] >= max(1, most // self._redis.members):
                return False
        health = self._health.get(names[0])
        if health is None or health.at_once is None:
            return True
        return self._flying[names[0]] < health.at_once

    def _use_permits(
        self, organisation_id: int, sender: str, names: tuple[str, ...]
    ) -> Wait | None:
        used: list[Permits] = []
        for kind, subject in (
            (LimitKind.ORGANISATION, ""),
            (LimitKind.SENDER, sender),
            *((LimitKind.DESTINATION, name) for name in names),
        ):
            key = (kind, organisation_id, subject)
            rate = self._limits.rates.get(key)
            if rate is None:
                continue
            bucket = self._buckets.get(key)
            if bucket is None:
                name = f"{organisation_id}:{kind}:{subject}"
                bucket = self._buckets[key] = _Bucket(Permits(name, rate, self._redis))
            if not bucket.permits.take():
                for one in used:
                    one.give_back()
                is_general = kind is not LimitKind.DESTINATION
                seconds = ASK_AGAIN if is_general else bucket.slot(time.monotonic())
                return Wait(seconds, is_general)
            used.append(bucket.permits)
        return None

    def most_at_once(self, organisation_id: int, sender: str) -> float | None:
        """How many mails a second this worker may send at most as this sender; None for any number."""
        rates = [
            self._limits.rates[key] / self._redis.members
            for key in (
                (LimitKind.ORGANISATION, organisation_id, ""),
                (LimitKind.SENDER, organisation_id, sender),
            )
            if key in self._limits.rates
        ]
        if self.relay.rate is not None:
            rates.append(self.relay.rate)
        if self.relay.at_once is not None:
            rates.append(max(1.0, 10 * self.relay.at_once))
        return min(rates) if rates else None


@lru_cache(maxsize=20_000)
def _domain_of(domain: str) -> str:
    return ascii_domain(domain)


def _names_of(destination: str, address: str) -> tuple[str, ...]:
    """What a limit of a destination may be set for: the destination first, and the domain where it differs."""
    domain = _domain_of(address.rpartition("@")[2])
    return (destination,) if not domain or domain == destination else (destination, domain)
