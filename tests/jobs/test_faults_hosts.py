"""Several workers, as on hosts of their own, on one PostgreSQL: together they keep to one rate."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from mailer import delivery
from mailer.delivery import LimitDraft, LimitKind
from mailer.foundation.database import unit_of_work
from mailer.foundation.queue import is_up
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.counting_smtp import CountingSmtp, Dot
from tests.support.processes import pids_marked
from tests.support.redis_server import run_redis
from tests.support.waiting import wait_for
from tests.support.watching import Watch
from tests.support.worker_process import WorkerProcess

CONNECTIONS, PATIENCE = 4, 120.0
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@dataclass
class Hosts:
    """Starts workers with data directories of their own, so that none finds another's journal."""

    service: RealParts
    undo: ExitStack

    def environ(self, name: str) -> dict[str, str]:
        directory = self.service.directory
        own = directory / name
        own.mkdir(exist_ok=True)
        return {
            **self.service.environ,
            "MAILER_DATA_DIRECTORY": str(own),
            "MAILER_KEYS_URL": f"sqlite:///{directory / 'keys.db'}",
            "MAILER_ERASURE_LIST": str(directory / "erasures.jsonl"),
            "MAILER_REDIS_URL": f"unix://{directory / 'redis' / 'redis.sock'}",
            "MAILER_WORKER_COUNT": "3",
            "PGAPPNAME": name,
        }

    def start(self, name: str) -> WorkerProcess:
        log = self.service.directory / f"{name}.log"
        worker = WorkerProcess(self.environ(name), "--queue", "bulk", log=log)
        return self.undo.enter_context(worker)


@pytest.fixture
def hosts(service: RealParts) -> Iterator[Hosts]:
    with ExitStack() as undo:
        yield Hosts(service, undo)


@pytest.fixture
def receiver(service: RealParts) -> Iterator[CountingSmtp]:
    with CountingSmtp(service.directory, milliseconds=8) as receiver:
        service.environ["MAILER_SMTP_HOST"] = receiver.host
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


def wake_all() -> None:
    for slot in range(3):
        waking.wake_drain(slot)


def pace(dots: list[Dot]) -> float:
    """Mails a second from the first to the last."""
    return (len(dots) - 1) / (dots[-1].at - dots[0].at)


def best(dots: list[Dot], seconds: float) -> float:
    """The most mails a second in any stretch of so many seconds."""
    most = 0
    for place, first in enumerate(dots):
        within = sum(dot.at < first.at + seconds for dot in dots[place:])
        most = max(most, within)
    return most / seconds


@on_postgresql
@pytest.mark.requirement("E-065")
def test_three_workers_hold_one_rate_in_total_with_redis_and_without(
    hosts: Hosts, receiver: CountingSmtp
) -> None:
    rate, people = 100, 2_000
    service = hosts.service
    with unit_of_work():
        draft = LimitDraft(LimitKind.ORGANISATION, "", 60 * rate, None, None)
        delivery.set_limit(service.organisation, draft)
    directory = service.directory / "redis"
    with run_redis(directory):
        watch = Watch(service.start_campaign(people), people)
        for name in ("first", "second", "third"):
            hosts.start(name)
        wait_for(lambda: wake_all() or receiver.count >= people / 2, timeout=PATIENCE)
        shared = receiver.count
        for pid in pids_marked(str(directory / "redis.sock")):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_up())
        wait_for(lambda: watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    with_redis, without = receiver.dots[:shared], receiver.dots[shared:]
    assert pace(with_redis) <= 1.05 * rate
    assert pace(without) <= 1.05 * rate
    # A machine that is busy with other things may lose time, but not in every stretch of three seconds.
    assert best(with_redis, 3.0) >= 0.95 * rate
