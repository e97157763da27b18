"""PostgreSQL restarted, read-only, and gone at the moment of a commit: nobody is lost, nobody doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Unavailable
from mailer.jobs import waking
from tests.conftest import migrate, settings_for
from tests.jobs.conftest import RealParts
from tests.support import postgres
from tests.support.counting_smtp import CountingSmtp
from tests.support.factories import make_form, make_request, submission
from tests.support.lost_commits import NAME, LossyWay, lose_commits
from tests.support.postgres import OwnPostgres
from tests.support.waiting import wait_for
from tests.support.watching import Watch, in_hand
from tests.support.worker_process import Kept

PEOPLE, CONNECTIONS, PATIENCE = 1_500, 4, 120.0


@pytest.fixture(scope="module")
def own_postgres(postgres_server: str) -> Iterator[OwnPostgres]:
    """A server that a test may stop. What it has committed survives that, unlike elsewhere in the tests."""
    with postgres.run_own_postgres(synchronous_commit="on") as server:
        yield server


@pytest.fixture(scope="module")
def own_template(own_postgres: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = postgres.create_database(own_postgres.url)
    migrate(settings_for(tmp_path_factory.mktemp("own"), MAILER_DATABASE_URL=url))
    return url


@pytest.fixture
def database_url(own_postgres: OwnPostgres, own_template: str) -> str:
    return postgres.create_database(own_postgres.url, template=own_template)


@pytest.fixture
def receiver(service: RealParts) -> Iterator[CountingSmtp]:
    with CountingSmtp(service.directory, milliseconds=4) as receiver:
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


@contextmanager
def lossy_way(service: RealParts, *, times: int, **marks: bytes) -> Iterator[LossyWay]:
    """From now on workers reach the database on a way that loses the answers to commits."""
    url = sa.make_url(service.environ["MAILER_DATABASE_URL"])
    real = Path(str(url.query["host"])) / NAME
    with lose_commits(service.directory / "way", real, times=times, **marks) as way:
        there = url.set(query={"host": str(way.directory)})
        service.environ["MAILER_DATABASE_URL"] = there.render_as_string(hide_password=False)
        yield way


def set_read_only(server: OwnPostgres, word: str) -> None:
    url = sa.make_url(server.url).set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {word}".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.mark.requirement("E-093")
@pytest.mark.requirement("C-061")
def test_a_database_that_crashes_in_mid_campaign_loses_nobody(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    own_postgres: OwnPostgres,
) -> None:
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    with Kept(lambda: service.worker("--queue", "bulk")) as kept:
        for share in (200, 700):
            wait_for(lambda share=share: kept.wake() or receiver.count >= share, timeout=PATIENCE)
            db.session.remove()
            db.engine.dispose()
            own_postgres.stop()
            # Nobody can be asked about now, so nobody is written to.
            wait_for(lambda: receiver.is_quiet, timeout=PATIENCE)
            own_postgres.start()
            assert receiver.is_quiet
        wait_for(lambda: kept.wake() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    # The answers were kept until they could be written down.
    assert watch.look()[1] == {DeliveryState.ACCEPTED: PEOPLE}
    assert kept.ends == []
    assert in_hand() == 0


@pytest.mark.requirement("E-093")
def test_a_database_that_becomes_read_only_in_mid_campaign_loses_nobody(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    own_postgres: OwnPostgres,
) -> None:
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    with Kept(lambda: service.worker("--queue", "bulk")) as kept:
        wait_for(lambda: kept.wake() or receiver.count >= 200, timeout=PATIENCE)
        set_read_only(own_postgres, "on")
        try:
            wait_for(lambda: receiver.is_quiet, timeout=PATIENCE)
            assert receiver.count < PEOPLE
            assert not watch.is_sent
            with pytest.raises(Unavailable), unit_of_work():
                db.session.execute(sa.text("UPDATE campaigns SET held_because = 'never'"))
        finally:
            set_read_only(own_postgres, "off")
        wait_for(lambda: kept.wake() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    assert watch.look()[1] == {DeliveryState.ACCEPTED: PEOPLE}
    assert kept.ends == []
    assert in_hand() == 0


@pytest.mark.requirement("E-093")
def test_a_commit_whose_answer_is_lost_leaves_nobody_in_hand_and_nobody_doubled(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    own_postgres: OwnPostgres,
) -> None:
    marks = {"claim": b"INSERT INTO sending_batches", "settling": b"reply_text"}
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    with lossy_way(service, times=2, **marks) as way:
        with Kept(lambda: service.worker("--queue", "bulk")) as kept:
            wait_for(lambda: kept.wake() or watch.is_sent, timeout=PATIENCE)
            assert kept.ends == []
        assert set(way.lost) == set(marks)
    watch.assert_nobody_lost_or_doubled(receiver)
    assert watch.look()[1] == {DeliveryState.ACCEPTED: PEOPLE}
    assert in_hand() == 0


@pytest.mark.requirement("E-093")
def test_a_confirmation_whose_claim_was_not_answered_goes_out_all_the_same(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    own_postgres: OwnPostgres,
) -> None:
    form = make_form(service.organisation, service.mailing_list)
    make_request(submission(service.organisation, form, service.mailing_list))
    with lossy_way(service, times=1, claim=b"lease_until=") as way:
        with service.worker("--queue", "first") as worker:
            wait_for(lambda: waking.wake_send_due() or receiver.count, timeout=PATIENCE)
            assert worker.stop(timeout=PATIENCE) == 0
        assert way.lost["claim"] == 1
    assert receiver.arrived == {"cleo@example.org": 1}
