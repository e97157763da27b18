from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from mailer.app import create_app
from mailer.foundation import events
from mailer.foundation.database import db, record, serialise_on, unit_of_work
from mailer.foundation.errors import Unavailable
from mailer.foundation.events import Event
from tests.conftest import settings_for
from tests.foundation.things import Apart, Thing, ThingMade
from tests.support.waiting import wait_for


class Listening:
    """What was told, and how many rows everybody could see at that moment."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.seen: list[int] = []
        self.is_on = True

    def __call__(self, event: Event) -> None:
        if self.is_on:
            self.told.append(event)
            self.seen.append(count())


@pytest.fixture(autouse=True)
def table(app: Flask) -> Flask:
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        Apart.metadata.create_all(connection)
    return app


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    events.listen(listening)
    yield listening
    listening.is_on = False


@pytest.fixture
def impatient(app: Flask) -> None:
    """Wait for locks for a moment only, on the one connection that the pool hands out."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA busy_timeout=50")


@pytest.fixture
def other_writer(app: Flask) -> Iterator[sa.Connection]:
    """Somebody else who holds the write lock, or on PostgreSQL the table."""
    engine = sa.create_engine(db.engine.url)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        connection = undo.enter_context(engine.connect())
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE things_of_tests IN SHARE ROW EXCLUSIVE MODE")
        yield connection


def make(session: Session, public_id: str) -> Thing:
    thing = Thing(public_id=public_id)
    session.add(thing)
    session.flush()
    return thing


def count() -> int:
    """The rows that another connection sees."""
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(Thing)) or 0


def shorten_lock_wait() -> None:
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))


def test_a_unit_of_work_keeps_everything() -> None:
    with unit_of_work() as session:
        make(session, "a")
        make(session, "b")
        assert count() == 0
    assert count() == 2


def test_a_unit_of_work_that_fails_keeps_nothing() -> None:
    with pytest.raises(KeyError), unit_of_work() as session:
        make(session, "a")
        raise KeyError
    assert count() == 0
    with unit_of_work() as session:
        make(session, "b")
    assert count() == 1


def test_even_being_stopped_keeps_nothing() -> None:
    with pytest.raises(KeyboardInterrupt), unit_of_work() as session:
        make(session, "a")
        raise KeyboardInterrupt
    assert count() == 0


def test_a_broken_rule_of_the_database_undoes_all_of_it() -> None:
    with pytest.raises(IntegrityError) as caught, unit_of_work() as session:
        make(session, "a")
        make(session, "a")
    assert count() == 0
    # What was to be stored may be somebody's name, and errors are logged.
    assert "parameters hidden" in str(caught.value)


def test_events_are_told_after_the_commit(listening: Listening) -> None:
    with unit_of_work() as session:
        make(session, "a")
        record(ThingMade("a"))
        record(ThingMade("a2"))
        assert listening.told == []
    assert listening.told == [ThingMade("a"), ThingMade("a2")]
    assert listening.seen == [1, 1]


def test_events_of_a_failed_unit_of_work_are_never_told(listening: Listening) -> None:
    with pytest.raises(KeyError), unit_of_work():
        record(ThingMade("a"))
        raise KeyError
    with unit_of_work():
        record(ThingMade("b"))
    assert listening.told == [ThingMade("b")]


def test_a_listener_may_do_work_of_its_own() -> None:
    done = False

    def follow(event: Event) -> None:
        nonlocal done
        if isinstance(event, ThingMade) and not done:
            done = True
            with unit_of_work() as session:
                make(session, "followed")

    events.listen(follow)
    with unit_of_work():
        record(ThingMade("a"))
    assert done
    assert count() == 1


def test_an_event_outside_of_a_unit_of_work_is_refused() -> None:
    with pytest.raises(RuntimeError, match="an event outside"):
        record(ThingMade("a"))


def test_units_of_work_are_not_nested_and_the_outer_one_goes_on() -> None:
    with unit_of_work() as session:
        make(session, "a")
        with pytest.raises(RuntimeError, match="inside another"), unit_of_work():
            pass
        make(session, "b")
    assert count() == 2


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_is_unavailable_and_nothing_is_lost(
    other_writer: sa.Connection, listening: Listening
) -> None:
    with pytest.raises(Unavailable, match="Nothing was changed"), unit_of_work() as session:
        shorten_lock_wait()
        record(ThingMade("a"))
        make(session, "a")
    other_writer.rollback()
    assert listening.told == []
    assert count() == 0
    with unit_of_work() as session:
        make(session, "a")
    assert count() == 1


def test_reading_goes_on_while_somebody_writes(other_writer: sa.Connection) -> None:
    other_writer.execute(sa.insert(Thing).values(public_id="theirs"))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Thing)) == 0
    other_writer.commit()
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Thing)) == 1


def test_a_unit_of_work_sees_what_others_wrote_since_the_last_reading() -> None:
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Thing)) == 0
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(sa.insert(Thing).values(public_id="theirs"))
    with unit_of_work() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Thing)) == 1


def test_many_writers_at_once_all_get_through(app: Flask) -> None:
    """Each reads and then writes, which a deferred transaction of SQLite refuses."""
    with unit_of_work() as session:
        make(session, "0")

    def write(name: str) -> None:
        with app.app_context():
            for turn in range(5):
                with unit_of_work() as session:
                    serialise_on("counter")
                    seen = session.scalar(sa.select(sa.func.count()).select_from(Thing))
                    make(session, str(seen))
                    assert turn < 5

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Nobody counted what somebody else was about to add: the names would have clashed.
    assert count() == 31


def test_serialising_makes_the_second_one_wait(app: Flask) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        with app.app_context():
            inside.wait(10)
            with unit_of_work():
                serialise_on("door")
                order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with unit_of_work():
        serialise_on("door")
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_who_waits_for_several_names_never_waits_for_each_other(app: Flask) -> None:
    """Taken in the order they are given, two would soon hold what the other one needs."""
    failed: list[BaseException] = []

    def pass_often(*names: str) -> None:
        with app.app_context():
            try:
                for _ in range(50):
                    with unit_of_work():
                        serialise_on(*names)
            except Unavailable as error:
                failed.append(error)

    every = [f"door {number}" for number in range(200)]
    threads = [threading.Thread(target=pass_often, args=names) for names in (every, every[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_time_comes_back_as_it_was_in_utc() -> None:
    summer = datetime(2026, 7, 1, 12, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=2)))
    with unit_of_work() as session:
        make(session, "a").at = summer
    db.session.remove()
    at = db.session.scalars(sa.select(Thing.at)).one()
    assert at == summer
    assert at.tzinfo is UTC or at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StatementError, match="a time without a time zone"), unit_of_work() as now:
        make(now, "a").at = datetime(2026, 7, 1, 12, 0)  # noqa: DTZ001  (that is the point)
    assert count() == 0


def test_sqlite_keeps_the_promises_postgresql_makes_by_itself(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        wanted = {
            "journal_mode": "wal",
            "wal_autocheckpoint": 8000,
            "foreign_keys": 1,
            "recursive_triggers": 1,
            "trusted_schema": 0,
            "busy_timeout": 8000,
        }
        with db.engine.connect() as connection:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
        assert found == wanted
    else:
        with db.engine.connect() as connection:
            assert connection.scalar(sa.text("SHOW lock_timeout")) == "8s"
            assert connection.scalar(sa.text("SHOW timezone")) == "UTC"
            assert connection.scalar(sa.text("SHOW jit")) == "off"
            driver = cast("psycopg.Connection[object]", connection.connection.dbapi_connection)
        # Where the other end goes dark without a word, nobody waits for the operating system's hours.
        assert int(driver.info.get_parameters()["tcp_user_timeout"]) == 30_000


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path / 'no' / 'such' / 'directory' / 'mailer.db'}",
        f"postgresql://postgres@/mailer?host={tmp_path}",
    ):
        with ExitStack() as undo:
            try:
                app = create_app(settings_for(tmp_path, MAILER_DATABASE_URL=url))
            except sa.exc.OperationalError:
                continue
            undo.enter_context(app.app_context())
            undo.callback(db.session.remove)
            with pytest.raises(Unavailable), unit_of_work():
                pass


def test_losing_the_connection_in_the_middle_keeps_nothing(app: Flask) -> None:
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        # The nearest thing SQLite has: the process dies, and its file is opened by another one.
        with closing(sqlite3.connect(url.database or "", isolation_level=None)) as dying:
            dying.execute("BEGIN IMMEDIATE")
            dying.execute("INSERT INTO things_of_tests (public_id) VALUES ('a')")
        assert count() == 0
        return
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with pytest.raises(Unavailable), unit_of_work() as session:
        make(session, "a")
        pid = session.scalar(sa.text("SELECT pg_backend_pid()"))
        with psycopg.connect(address, autocommit=True) as killer:
            killer.execute("SELECT pg_terminate_backend(%s)", (pid,))
            wait_for(lambda: not is_alive(killer, pid))
        make(session, "b")
    assert count() == 0
    with unit_of_work() as session:
        make(session, "c")
    assert count() == 1


def is_alive(connection: psycopg.Connection[tuple[object, ...]], pid: object) -> bool:
    found = connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,))
    return found.fetchone() is not None
