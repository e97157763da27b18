"""A campaign worker that dies in mid-batch: nobody is mailed twice, nobody is forgotten."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from rq import Queue, Worker

from mailer import campaigns
from mailer.campaigns import CampaignState
from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.queue import QUEUES, connection, is_up
from tests.jobs.conftest import RealParts
from tests.support.make_audience import make_people
from tests.support.make_campaigns import (
    counts_of,
    fresh,
    make_draft,
    make_started,
)
from tests.support.processes import pids_marked
from tests.support.redis_server import run_redis
from tests.support.scripted_smtp import Session
from tests.support.waiting import wait_for

CONNECTIONS = 4


def _slowly(_: Session) -> bytes:
    threading.Event().wait(0.004)
    return b"250 2.0.0 taken\r\n"


def test_an_idle_worker_goes_at_once(service: RealParts, redis_server: EmbeddedRedis) -> None:
    for queue_name in QUEUES:
        with service.worker("--queue", queue_name) as worker:
            wait_for(
                lambda name=queue_name: Worker.count(queue=Queue(name, connection=connection()))
            )
            began = time.monotonic()
            assert worker.stop() == 0
            assert time.monotonic() - began < 3


@pytest.mark.requirement("S-067")
def test_losing_redis_in_mid_campaign_loses_nobody(service: RealParts) -> None:
    service.smtp.reactions["dot"] = _slowly
    directory = service.directory / "redis"
    with run_redis(directory), service.worker("--queue", "bulk") as worker:
        campaign = service.start_campaign(2500)  # the event wakes the worker
        wait_for(lambda: len(service.smtp.received) >= 300)
        _kill_redis(directory)
        wait_for(lambda: fresh(campaign).state is CampaignState.SENT, timeout=60)
        # Nobody wakes anybody now: the worker finds the next campaign by itself.
        second = make_started(service.organisation, service.mailing_list)
        wait_for(lambda: fresh(second).state is CampaignState.SENT, timeout=60)
        assert worker.is_alive
    with run_redis(service.directory / "redis"):
        pass
    assert counts_of(campaign) == counts_of(second) == {DeliveryState.ACCEPTED: 2500}
    assert max(Counter(service.received).values()) == 2


@pytest.mark.requirement("S-067")
def test_an_emptied_redis_is_filled_again_by_the_clock(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    service.smtp.reactions["dot"] = _slowly
    with (
        service.worker("--clock"),
        service.worker("--queue", "upkeep"),
        service.worker("--queue", "bulk") as worker,
    ):
        campaign = service.start_campaign(1000)
        wait_for(lambda: len(service.smtp.received) >= 100)
        worker.kill()
        connection().flushall()
        with service.worker("--queue", "bulk") as successor:
            wait_for(lambda: fresh(campaign).state is CampaignState.SENT, timeout=60)
            assert successor.stop() == 0
    assert max(Counter(service.received).values()) == 1
    counts = counts_of(campaign)
    assert counts.total() == 1000
    assert counts[DeliveryState.UNCERTAIN] <= 2 * CONNECTIONS


def test_the_clock_starts_a_scheduled_campaign(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    make_people(service.mailing_list, 20)
    draft = make_draft(service.organisation, service.mailing_list)
    with unit_of_work():
        campaigns.schedule(draft, now() + timedelta(seconds=2))
    with (
        service.worker("--clock"),
        service.worker("--queue", "upkeep"),
        service.worker("--queue", "bulk"),
    ):
        wait_for(lambda: fresh(draft).state is CampaignState.SENT, timeout=30)
    assert len(set(service.received)) == len(service.received) == 20


def test_a_wrong_setting_stops_the_start_with_one_line(service: RealParts) -> None:
    service.environ["MAILER_SMTP_PORT"] = "none"
    with service.worker("--queue", "bulk") as worker:
        assert worker.process.wait(timeout=20) == 2
    assert service.said.startswith("MAILER_SMTP_PORT: 'none' cannot be used")
    assert service.said.count("\n") == 1


def _kill_redis(directory: Path) -> None:
    """Kill the server with SIGKILL, as a machine that runs out of memory would."""
    for pid in pids_marked(str(directory / "redis.sock")):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_up())
