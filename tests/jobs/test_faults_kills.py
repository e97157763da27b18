"""A hundred kills at random moments, and orderly ends: counted at the receiver, nobody is lost or doubled."""

from __future__ import annotations

import os
import random
import secrets
import sys
import threading
from collections.abc import Iterator

import pytest

from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.counting_smtp import CountingSmtp
from tests.support.killing import Forks
from tests.support.waiting import wait_for
from tests.support.watching import Watch, in_hand

KILLS, CONNECTIONS, PEOPLE = 50, 4, 4_000  # fifty on each database
PATIENCE = 120.0


@pytest.fixture
def receiver(service: RealParts) -> Iterator[CountingSmtp]:
    with CountingSmtp(service.directory, milliseconds=4) as receiver:
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


@pytest.fixture
def chance() -> random.Random:
    """TEST_SEED repeats a run."""
    seed = int(os.environ.get("TEST_SEED") or secrets.randbelow(1_000_000))
    sys.stdout.write(f"TEST_SEED={seed}\n")
    return random.Random(seed)


def wait_for_a_moment(receiver: CountingSmtp, chance: random.Random) -> None:
    """Any moment: from before the worker's first claim to the middle of its second batch."""
    waking.wake_drains()
    if chance.random() < 0.4:
        threading.Event().wait(chance.uniform(0.0, 0.25))
        return
    wanted = receiver.count + chance.randrange(1, 100)
    # Woken again and again, as the clock does: a wake-up may have gone to one who died.
    wait_for(lambda: waking.wake_drains() or receiver.count >= wanted, timeout=PATIENCE)


@pytest.mark.requirement("E-093")
def test_after_a_hundred_kills_everybody_has_one_outcome_and_nobody_two_mails(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    chance: random.Random,
) -> None:
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    with Forks(service.environ, service.directory / "worker.log") as forks:
        for kills in range(1, KILLS + 1):
            worker = forks.start()
            wait_for_a_moment(receiver, chance)
            forks.kill(worker)
            # A mail for each connection may have been on the wire; the last ones are not settled yet.
            assert watch.uncertain <= (kills - 1) * CONNECTIONS
        assert not watch.is_sent
        forks.start()
        wait_for(lambda: waking.wake_drains() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    _, figures = watch.look()
    assert set(figures) <= {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
    assert figures[DeliveryState.UNCERTAIN] <= KILLS * CONNECTIONS
    assert in_hand() == 0


@pytest.mark.requirement("E-093")
def test_workers_that_are_told_to_stop_leave_nothing_in_hand_and_nothing_uncertain(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    chance: random.Random,
) -> None:
    people = 2_000
    watch = Watch(service.start_campaign(people), people)
    for _ in range(3):
        with service.worker("--queue", "bulk") as worker:
            wanted = receiver.count + chance.randrange(1, 300)
            wait_for(
                lambda wanted=wanted: waking.wake_drains() or receiver.count >= wanted,
                timeout=PATIENCE,
            )
            assert worker.stop(timeout=PATIENCE) == 0
        _, figures = watch.look()
        arrived = receiver.count
        assert figures == {
            DeliveryState.ACCEPTED: arrived,
            DeliveryState.PLANNED: people - arrived,
        }
        assert in_hand() == 0
        assert list((service.directory / "journal").iterdir()) == []
    with service.worker("--queue", "bulk"):
        wait_for(lambda: waking.wake_drains() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    assert watch.look()[1] == {DeliveryState.ACCEPTED: people}
