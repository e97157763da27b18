"""A hundred kills at random moments: everybody has exactly one outcome, and nobody is mailed twice."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest

from mailer.campaigns import CampaignState
from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.killing import Forks
from tests.support.make_campaigns import counts_of, deliveries_of, fresh
from tests.support.scripted_smtp import Session
from tests.support.waiting import wait_for

KILLS, CONNECTIONS, PEOPLE = 50, 4, 6_000  # fifty on each engine


def _slowly(_: Session) -> bytes:
    threading.Event().wait(0.003)
    return b"250 2.0.0 taken\r\n"


def _await_some_moment(service: RealParts, chance: random.Random) -> None:
    """From before its first claim to the middle of a batch: each as likely as the other."""
    wanted = len(service.smtp.received) + chance.choice([0, 0, 1, 5, 20, 60])
    limit = time.monotonic() + 5
    while len(service.smtp.received) < wanted and time.monotonic() < limit:
        time.sleep(0.001)
    time.sleep(chance.choice([0.0, 0.002, 0.02, 0.2]))


@pytest.mark.requirement("E-093")
def test_after_many_kills_at_random_moments_everybody_has_one_outcome(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    service.smtp.reactions["dot"] = _slowly
    campaign = service.start_campaign(PEOPLE)
    chance = random.Random(11)
    with Forks(service.environ, service.directory / "worker.log") as forks:
        kills = 0
        while kills < KILLS and fresh(campaign).state is CampaignState.SENDING:
            worker = forks.start()
            waking.wake_drains()
            _await_some_moment(service, chance)
            forks.kill(worker)
            kills += 1
        forks.start()
        waking.wake_drains()
        wait_for(lambda: fresh(campaign).state is CampaignState.SENT, timeout=90)
    assert kills == KILLS
    arrived = Counter(service.received)
    assert max(arrived.values()) == 1
    counts = counts_of(campaign)
    assert counts.total() == PEOPLE
    assert set(counts) <= {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
    assert counts[DeliveryState.UNCERTAIN] <= kills * CONNECTIONS
    rows = {row.contact_id: row.state for row in deliveries_of(campaign)}
    assert len(rows) == PEOPLE
    # Who was accepted arrived; who arrived was accepted, or is shown as uncertain.
    assert counts[DeliveryState.ACCEPTED] <= len(arrived)
    assert len(arrived) <= counts[DeliveryState.ACCEPTED] + counts[DeliveryState.UNCERTAIN]
