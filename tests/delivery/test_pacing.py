"""Limits: permits shared through Redis, this worker's share without it, and destinations that ask to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from mailer import destinations
from mailer.delivery import Pacer, Recipient, Wait
from mailer.destinations import LimitDraft, LimitKind, SendingLimit, rate_of
from mailer.destinations.limits import GROWTH
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.permits import Permits, Redis
from mailer.organisations import Organisation
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import make_organisation
from tests.support.redis_server import run_redis

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
K = OutcomeKind


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


@dataclass
class Talk:
    """One worker's pacer, and mails for it to decide about."""

    pacer: Pacer
    organisation_id: int

    def may_go(self, destination: str = "example.org", domain: str = "") -> bool:
        return self.ask(destination, domain) is None

    def ask(self, destination: str = "example.org", domain: str = "") -> Wait | None:
        return self.pacer.allow(_mail_to(destination, domain), self.organisation_id, "snd_x")

    def hear(
        self, kind: OutcomeKind, code: int, enhanced: str, destination: str, domain: str = ""
    ) -> str | None:
        outcome = Outcome(
            key="d1", kind=kind, code=code, enhanced=enhanced, text=enhanced, relay="relay.test:25",
            at=AT, stage="rcpt", tls=False,
        )  # fmt: skip
        return self.pacer.heard(_mail_to(destination, domain), outcome)

    def know(self) -> None:
        with unit_of_work():
            self.pacer.know(destinations.list_all_limits(), destinations.list_blocked())


def _mail_to(destination: str, domain: str) -> Recipient:
    address = f"reader@{domain or destination}"
    return Recipient(1, 1, 0, "con_x", address, "", {}, 1, AT, destination=destination)


@pytest.fixture
def talk(organisation: Organisation) -> Talk:
    return Talk(Pacer("bulk-here"), organisation.id)


def _set(organisation: Organisation, kind: LimitKind, subject: str = "", **numbers: int) -> None:
    values = {"per_minute": None, "at_once": None, "warm_up_first_day": None} | numbers
    with unit_of_work():
        destinations.set_limit(organisation, LimitDraft(kind=kind, subject=subject, **values))


def _count(permits: list[Permits], seconds: float) -> int:
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        taken = sum(one.take() for one in permits)
        count += taken
        if not taken:
            threading.Event().wait(0.002)
    return count


@pytest.fixture
def redis_server(app: Flask, tmp_path: Path) -> Iterator[None]:
    with run_redis(tmp_path / "redis"):
        yield


@pytest.mark.requirement("E-065")
@pytest.mark.parametrize("rate", [40.0, 1_000.0])
def test_workers_together_keep_to_one_rate(redis_server: None, rate: float) -> None:
    workers = [Permits("all", rate, Redis(f"bulk-{number}")) for number in range(3)]
    _count(workers, 0.3)
    granted = _count(workers, 3.0)
    assert granted == pytest.approx(3.0 * rate, rel=0.05)


def test_without_redis_each_worker_takes_its_share(app: Flask) -> None:
    shared = Redis("bulk-1")
    shared.members = 4
    permits = Permits("all", 400.0, shared)
    _count([permits], 0.3)
    assert _count([permits], 2.0) == pytest.approx(2.0 * 100, rel=0.05)


def test_the_share_follows_how_many_workers_were_seen(redis_server: None) -> None:
    first, second = (Redis(f"bulk-{number}") for number in range(2))
    for one in (first, second, first):
        Permits("all", 100.0, one).take()
    assert first.members == 2


@pytest.mark.requirement("E-065")
def test_a_warm_up_grows_every_day_until_the_limit() -> None:
    limit = SendingLimit(per_minute=60, warm_up_from=AT, warm_up_first_day=8640)
    rates = [rate_of(limit, AT + timedelta(days=day)) for day in (0, 1, 2, 12)]
    assert rates == pytest.approx([0.1, 0.1 * GROWTH, 0.1 * GROWTH**2, 1.0])
    assert rate_of(SendingLimit(at_once=3), AT) is None


def test_a_limit_of_the_organisation_holds_its_campaigns_back(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.ORGANISATION, per_minute=60)
    talk.know()
    answers = [talk.ask() for _ in range(5)]
    waits = [answer for answer in answers if answer is not None]
    assert len(waits) >= 4
    assert all(wait.is_general for wait in waits)


@pytest.mark.requirement("E-065")
def test_a_limit_of_one_destination_does_not_slow_the_others(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.DESTINATION, "gmail.com", per_minute=60)
    talk.know()
    waits = [wait for wait in (talk.ask("google") for _ in range(4)) if wait is not None]
    assert [round(wait.seconds) for wait in waits][-3:] == [1, 2, 3]
    assert not any(wait.is_general for wait in waits)
    assert all(talk.may_go("example.org") for _ in range(100))


def test_only_so_many_are_on_their_way_to_one_destination(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.DESTINATION, "example.org", at_once=2)
    talk.know()
    assert [talk.may_go() for _ in range(3)] == [True, True, False]
    talk.hear(K.ACCEPTED, 250, "2.0.0", "example.org")
    assert [talk.may_go() for _ in range(2)] == [True, False]


@pytest.mark.requirement("E-065")
def test_a_limit_of_a_domain_holds_beside_that_of_its_provider(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.DESTINATION, "Google", at_once=3)
    _set(organisation, LimitKind.DESTINATION, "bücher.example", at_once=1)
    talk.know()
    assert talk.may_go("google", "bücher.example")
    assert not talk.may_go("google", "bücher.example")
    assert [talk.may_go("google", "firm.test") for _ in range(3)] == [True, True, False]
    talk.hear(K.ACCEPTED, 250, "2.0.0", "google", "bücher.example")
    assert talk.may_go("google", "bücher.example")


def test_what_a_run_left_without_an_answer_takes_no_place_in_the_next(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.DESTINATION, "example.org", at_once=1)
    talk.know()
    assert [talk.may_go() for _ in range(2)] == [True, False]
    talk.pacer.begin()
    assert talk.may_go()


def test_places_taken_under_a_limit_are_free_once_it_is_set_again(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.DESTINATION, "example.org", at_once=1)
    talk.know()
    assert talk.may_go()
    talk.pacer.know([], {})  # the limit is gone; nobody tells any more of mails that land
    talk.know()
    assert talk.may_go()


def test_a_limit_of_one_sender_holds_for_that_sender(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.SENDER, "snd_other", per_minute=60)
    talk.know()
    assert all(talk.may_go() for _ in range(50))
    _set(organisation, LimitKind.SENDER, "snd_x", per_minute=60)
    talk.know()
    waits = [wait for wait in (talk.ask() for _ in range(5)) if wait is not None]
    assert len(waits) >= 4
    assert all(wait.is_general for wait in waits)


@pytest.mark.parametrize("subject", ["gogle", "a b", "-.test", ""])
def test_a_limit_needs_a_domain_or_a_provider_by_name(
    organisation: Organisation, subject: str
) -> None:
    with pytest.raises(Invalid, match="provider"):
        _set(organisation, LimitKind.DESTINATION, subject, per_minute=60)


@pytest.mark.requirement("E-065")
def test_the_next_day_of_a_warm_up_lets_half_as_many_again_go(
    organisation: Organisation, talk: Talk
) -> None:
    _set(organisation, LimitKind.ORGANISATION, warm_up_first_day=8640)
    shares = []
    for _ in range(3):
        talk.know()
        shares.append(talk.pacer.most_at_once(talk.organisation_id, "snd_x"))
        with unit_of_work():
            [limit] = destinations.list_limits(organisation)
            assert limit.warm_up_from is not None
            limit.warm_up_from -= timedelta(days=1)
    assert shares == pytest.approx([0.1, 0.1 * GROWTH, 0.1 * GROWTH**2])


@pytest.mark.requirement("E-065")
def test_a_destination_that_asks_to_wait_is_left_alone_and_begins_slowly(talk: Talk) -> None:
    assert talk.hear(K.UNSENT, 421, "4.7.0", "google") == "421 4.7.0"
    with unit_of_work():
        until = destinations.back_off("google", "421 4.7.0")
        assert timedelta(seconds=59) < until - now() <= timedelta(minutes=1)
        assert destinations.back_off("google", "421 4.7.0") == until  # heard by another worker too
    talk.know()
    assert not talk.may_go("google")
    assert talk.may_go("microsoft")
    talk.pacer.know([], {})  # its minute is over
    assert [talk.may_go("google") for _ in range(2)] == [True, False]
    talk.hear(K.ACCEPTED, 250, "2.0.0", "google")
    assert [talk.may_go("google") for _ in range(3)] == [True, True, False]


def test_one_greylisted_address_is_no_request_to_wait(talk: Talk) -> None:
    answers = [talk.hear(K.DEFERRED, 451, "4.7.1", "example.org") for _ in range(2)]
    talk.hear(K.ACCEPTED, 250, "2.0.0", "example.org")
    answers += [talk.hear(K.DEFERRED, 451, "4.7.1", "example.org") for _ in range(2)]
    assert set(answers) == {None}
    assert talk.hear(K.DEFERRED, 451, "4.7.1", "example.org") == "451 4.7.1"
