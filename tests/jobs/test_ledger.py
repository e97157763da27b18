"""PostgreSQL writes results down while mails go on; what that takes is never time without a mail."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.jobs import waking
from mailer.jobs.delivery import drain
from mailer.jobs.runner import Shift
from tests.jobs.conftest import RealParts
from tests.support import postgres
from tests.support.make_campaigns import counts_of, fresh
from tests.support.scripted_smtp import Session
from tests.support.waiting import take_time, wait_for

PEOPLE, ASKED_AT, RELEASED_AT, CONNECTIONS = 500, 300, 400, 4
MAIL_SECONDS = 0.02  # on each of four connections: half a second is a hundred mails
TAKEN = b"250 2.0.0 taken\r\n"


@pytest.fixture
def database_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    url = postgres.create_database(postgres_server, template=postgres_template)
    yield url
    postgres.drop_database(url)


class Holder:
    """Keeps the tallies, which are written with the results, to itself until a certain mail or `release`."""

    def __init__(self, url: str, *, released_at: int | None = None) -> None:
        there = sa.make_url(url).set(drivername="postgresql")
        self._connection = psycopg.connect(there.render_as_string(hide_password=False))
        self._connection.execute("LOCK TABLE campaign_tallies IN ACCESS EXCLUSIVE MODE")
        self._lock = threading.Lock()
        self._released_at = released_at
        self._count = 0
        self.waiting = 0  # how many waited for the tallies, asked while mails went on

    def __call__(self, _: Session) -> bytes:
        with self._lock:
            self._count += 1
            if self._count == ASKED_AT:
                self.waiting = self._count_waiting()
            if self._count == self._released_at:
                self.release()
        take_time(MAIL_SECONDS)
        return TAKEN

    def _count_waiting(self) -> int:
        found = self._connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'campaign_tallies'::regclass"
        ).fetchone()
        return 0 if found is None else int(found[0])

    def release(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def is_sent(campaign: Campaign) -> bool:
    return fresh(campaign).state is CampaignState.SENT


@pytest.mark.requirement("E-093")
def test_mails_go_on_while_results_are_being_written(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(PEOPLE)
    holder = Holder(service.environ["MAILER_DATABASE_URL"], released_at=RELEASED_AT)
    service.smtp.reactions["dot"] = holder
    try:
        drain(0)
    finally:
        holder.close()
    assert holder.waiting == 1
    assert len(service.received) == len(set(service.received)) == PEOPLE
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: PEOPLE}
    assert is_sent(campaign)
    assert shift.failure is None


@pytest.mark.requirement("E-093")
def test_a_worker_killed_while_its_results_are_written_loses_and_doubles_nobody(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    campaign = service.start_campaign(PEOPLE)
    holder = Holder(service.environ["MAILER_DATABASE_URL"])
    service.smtp.reactions["dot"] = holder
    try:
        with service.worker("--queue", "bulk") as worker:
            wait_for(lambda: waking.wake_drains() or holder.waiting, timeout=60)
            worker.kill()  # neither the page is written, nor what was answered since
    finally:
        holder.release()
    assert counts_of(campaign)[DeliveryState.ACCEPTED] == 0
    with service.worker("--queue", "bulk") as successor:
        wait_for(lambda: waking.wake_drains() or is_sent(campaign), timeout=60)
        assert successor.stop() == 0
    holder.close()
    assert max(Counter(service.received).values()) == 1
    counts = counts_of(campaign)
    assert counts.total() == PEOPLE
    assert counts[DeliveryState.UNCERTAIN] <= 2 * CONNECTIONS
    assert counts[DeliveryState.ACCEPTED] >= PEOPLE - 2 * CONNECTIONS
