"""A campaign worker tells when it waits for its database, and a fresh one waits for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa

from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation.database import LOCK_WAIT_SECONDS, db
from mailer.jobs import waking
from mailer.jobs.delivery import drain
from mailer.jobs.mailings import FIRST_BATCH
from mailer.jobs.patience import PATIENCE_SECONDS
from mailer.jobs.runner import Shift
from tests.jobs.conftest import RealParts
from tests.support.counting_smtp import CountingSmtp
from tests.support.make_campaigns import counts_of, deliveries_of
from tests.support.waiting import wait_for
from tests.support.watching import Watch, in_hand

ANSWERED, CONNECTIONS, PATIENCE = 60, 4, 60.0
WAITS = "this worker waits for the database to write results down"
GOES_ON = "the database is back; this worker goes on"


@pytest.fixture
def receiver(service: RealParts) -> Iterator[CountingSmtp]:
    """One that holds back its last answer on each connection."""
    with CountingSmtp(service.directory, hold_after=ANSWERED) as receiver:
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


def said(service: RealParts, sentence: str) -> list[dict[str, str]]:
    """The lines of the worker's log that say `sentence`."""
    lines = [json.loads(line) for line in service.said.splitlines() if line.endswith("}")]
    return [line for line in lines if line["said"] == sentence]


@contextmanager
def database_away(url: str) -> Iterator[None]:
    """SQLite lets nobody else write, PostgreSQL sends everybody away and takes nobody."""
    if url.startswith("sqlite"):
        with db.engine.connect().execution_options(write=True) as holder, holder.begin():
            yield
        return
    db.engine.dispose()
    there = sa.make_url(url).set(drivername="postgresql")
    name = str(there.database)
    server = there.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


@pytest.mark.requirement("E-093")
def test_a_worker_tells_at_once_that_results_wait_and_when_it_goes_on(
    service: RealParts, redis_server: EmbeddedRedis, receiver: CountingSmtp
) -> None:
    people = ANSWERED + CONNECTIONS
    url = service.environ["MAILER_DATABASE_URL"]
    watch = Watch(service.start_campaign(people), people)
    with service.worker("--queue", "bulk") as worker:
        wait_for(lambda: waking.wake_drains() or receiver.count == people, timeout=PATIENCE)
        wait_for(lambda: watch.look()[1][DeliveryState.ACCEPTED] == ANSWERED)
        with database_away(url):
            receiver.release()
            wait_for(lambda: said(service, WAITS), timeout=PATIENCE)
            assert said(service, GOES_ON) == []
        wait_for(lambda: said(service, GOES_ON), timeout=PATIENCE)
        wait_for(lambda: waking.wake_drains() or watch.is_sent, timeout=PATIENCE)
        assert worker.stop() == 0
    (waits,), (_,) = said(service, WAITS), said(service, GOES_ON)
    assert waits["results"] == str(CONNECTIONS)
    # At once is after the first try, which on SQLite is as long as one waits for a lock.
    tried_for = LOCK_WAIT_SECONDS if url.startswith("sqlite") else 0
    assert PATIENCE_SECONDS - tried_for - 2 <= int(waits["seconds_left"]) <= PATIENCE_SECONDS
    watch.assert_nobody_lost_or_doubled(receiver)
    assert watch.look()[1] == {DeliveryState.ACCEPTED: people}
    assert in_hand() == 0


@pytest.mark.requirement("E-093")
def test_a_fresh_worker_sends_its_first_batch_without_giving_it_back(
    service: RealParts, shift: Shift
) -> None:
    people = 5 * FIRST_BATCH
    campaign = service.start_campaign(people)
    drain(0)
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: people}
    # Batches are taken in the order of the people: had the first been given back, others had come first.
    assert set(service.received[: FIRST_BATCH // 2]) <= set(service.people[:FIRST_BATCH])
    # Who is settled as part of a batch has no first try noted, who was given back and taken anew has.
    assert {row.first_tried_at for row in deliveries_of(campaign)} == {None}
