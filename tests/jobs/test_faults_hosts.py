"""Several workers, as on hosts of their own, on one PostgreSQL: together they keep to one rate."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailer import delivery
from mailer.delivery import LimitDraft, LimitKind
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.queue import is_up
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.counting_smtp import CountingSmtp, Dot
from tests.support.network import Cable, can_plug, forward, lay_cable
from tests.support.processes import pids_marked
from tests.support.redis_server import run_redis
from tests.support.waiting import wait_for
from tests.support.watching import Watch
from tests.support.worker_process import WorkerProcess

CONNECTIONS, PATIENCE = 4, 120.0
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def cable() -> Iterator[Cable | None]:
    if not can_plug():
        yield None
        return
    with lay_cable() as cable:
        yield cable


@dataclass
class Hosts:
    """Starts workers with data directories of their own, so that none finds another's journal."""

    service: RealParts
    cable: Cable | None
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
        environ, within = self.environ(name), ()
        if name == "far":
            assert self.cable is not None
            within = self.cable.within
            environ |= self._through(self.cable)
        worker = WorkerProcess(
            environ,
            *("--queue", "bulk"),
            log=self.service.directory / f"{name}.log",
            within=within,
        )
        return self.undo.enter_context(worker)

    def _through(self, cable: Cable) -> dict[str, str]:
        """Database, Redis and receiver as they are reached from the other end of the cable."""
        url = sa.make_url(self.service.environ["MAILER_DATABASE_URL"])
        database = Path(str(url.query["host"])) / ".s.PGSQL.5432"
        redis = self.service.directory / "redis" / "redis.sock"
        ports = [self.undo.enter_context(forward(cable.address, one)) for one in (database, redis)]
        there = url.set(host=cable.address, port=ports[0], query={})
        return {
            "MAILER_DATABASE_URL": there.render_as_string(hide_password=False),
            "MAILER_REDIS_URL": f"redis://{cable.address}:{ports[1]}/0",
        }


@pytest.fixture
def hosts(service: RealParts, cable: Cable | None) -> Iterator[Hosts]:
    with ExitStack() as undo:
        yield Hosts(service, cable, undo)


@pytest.fixture
def receiver(service: RealParts, cable: Cable | None) -> Iterator[CountingSmtp]:
    address = cable.address if cable else "127.0.0.1"
    with CountingSmtp(service.directory, host=address, milliseconds=8) as receiver:
        service.environ["MAILER_SMTP_HOST"] = receiver.host
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


def wake_all() -> None:
    for slot in range(3):
        waking.wake_drain(slot)


def number(query: str, **values: object) -> int:
    db.session.rollback()
    found = int(db.session.scalar(sa.text(query), values) or 0)
    db.session.rollback()
    return found


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
