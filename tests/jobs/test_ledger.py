"""PostgreSQL writes results down while mails go on; what that takes is never time without a mail."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from mailer.campaigns import CampaignState
from mailer.delivery import DeliveryState
from mailer.jobs.delivery import drain
from mailer.jobs.runner import Shift
from tests.jobs.conftest import RealParts
from tests.support import postgres
from tests.support.make_campaigns import counts_of, fresh
from tests.support.scripted_smtp import Session
from tests.support.waiting import take_time

PEOPLE, ASKED_AT, RELEASED_AT = 500, 300, 400
MAIL_SECONDS = 0.02  # on each of four connections: half a second is a hundred mails
TAKEN = b"250 2.0.0 taken\r\n"


@pytest.fixture
def database_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    url = postgres.create_database(postgres_server, template=postgres_template)
    yield url
    postgres.drop_database(url)


class Holder:
    """Keeps the tallies, which are written with the results, to itself until a certain mail."""

    def __init__(self, url: str) -> None:
        there = sa.make_url(url).set(drivername="postgresql")
        self._connection = psycopg.connect(there.render_as_string(hide_password=False))
        self._connection.execute("LOCK TABLE campaign_tallies IN ACCESS EXCLUSIVE MODE")
        self._lock = threading.Lock()
        self._count = 0
        self.waiting = 0  # how many waited for the tallies, asked while mails went on

    def __call__(self, _: Session) -> bytes:
        with self._lock:
            self._count += 1
            if self._count == ASKED_AT:
                self.waiting = self._count_waiting()
            if self._count == RELEASED_AT:
                self._connection.rollback()
        take_time(MAIL_SECONDS)
        return TAKEN

    def _count_waiting(self) -> int:
        found = self._connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'campaign_tallies'::regclass"
        ).fetchone()
        return 0 if found is None else int(found[0])

    def close(self) -> None:
        self._connection.close()


@pytest.mark.requirement("E-093")
def test_mails_go_on_while_results_are_being_written(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(PEOPLE)
    holder = Holder(service.environ["MAILER_DATABASE_URL"])
    service.smtp.reactions["dot"] = holder
    try:
        drain(0)
    finally:
        holder.close()
    assert holder.waiting == 1
    assert len(service.received) == len(set(service.received)) == PEOPLE
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: PEOPLE}
    assert fresh(campaign).state is CampaignState.SENT
    assert shift.failure is None
