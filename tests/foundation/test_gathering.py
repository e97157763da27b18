"""Several threads that write at the same moment do it in one go, and share nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid, Unavailable
from mailer.foundation.gathering import MOST, Gathering
from tests.foundation.things import Apart, Thing
from tests.support.waiting import wait_for

LONGEST = 60.0


@pytest.fixture(autouse=True)
def table(app: Flask) -> Flask:
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        Apart.metadata.create_all(connection)
    return app


class Company:
    """A gathering whose first piece of work lasts until everybody has come."""

    def __init__(self, app: Flask) -> None:
        self.pieces: list[list[str]] = []
        self._app = app
        self.pauses = 0
        self._late: list[str] = []
        self._results: list[Future[str]] = []
        self._gathering = Gathering("test", self._work, pause=self._pause)
        self._is_at_work = threading.Event()
        self._have_come = threading.Event()

    def _work(self, names: Sequence[str]) -> list[str]:
        self.pieces.append(list(names))
        self._is_at_work.set()
        assert self._have_come.wait(LONGEST)
        with unit_of_work() as session:
            for name in names:
                session.add(Thing(public_id=name))
                if name.startswith("bad"):
                    raise Invalid(f"{name} cannot be used.")
                if name == "interrupted":
                    raise KeyboardInterrupt
        return [name.upper() for name in names]

    def _pause(self, _seconds: float) -> None:
        self.pauses += 1
        if self._late:
            self._start(self._late.pop(0))

    def _start(self, name: str) -> None:
        """Have another thread give `name`; returns when it stands in line."""
        result: Future[str] = Future()
        before = self._in_line()

        def do() -> None:
            with self._app.app_context():
                try:
                    result.set_result(self._gathering.do(name))
                except BaseException as error:  # noqa: BLE001  # it belongs to the test
                    result.set_exception(error)

        threading.Thread(target=do, daemon=True).start()
        wait_for(lambda: result.done() or self._in_line() > before, timeout=LONGEST)
        self._results.append(result)

    def _in_line(self) -> int:
        return len(self._app.extensions.get("mailer.gathering.test", ()))

    def come(self, first: str, *others: str, late: Sequence[str] = ()) -> list[Future[str]]:
        """`first` begins alone; the others come while it is at work, and each of `late` in one of the pauses
        that follow. Returns what came of each.
        """
        self._late = list(late)
        self._start(first)
        assert self._is_at_work.wait(LONGEST)
        for name in others:
            self._start(name)
        self._have_come.set()
        for result in self._results:  # those who come late are added meanwhile
            assert wait([result], LONGEST).done, "somebody was never told"
        return self._results


@pytest.fixture
def company(app: Flask) -> Company:
    return Company(app)


def written() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(sa.select(Thing.public_id)))


def test_who_comes_while_somebody_is_at_work_is_written_together(company: Company) -> None:
    names = [f"n{number}" for number in range(12)]
    results = company.come(*names)
    assert [one.result() for one in results] == [name.upper() for name in names]
    assert written() == set(names)
    assert company.pieces[0] == ["n0"]
    assert max(map(len, company.pieces)) > 1
    assert sorted(name for piece in company.pieces for name in piece) == sorted(names)


def test_no_piece_of_work_is_endless(company: Company) -> None:
    names = [f"n{number}" for number in range(2 * MOST)]
    company.come(*names)
    assert written() == set(names)
    assert max(map(len, company.pieces)) <= MOST


def test_who_fails_fails_alone(company: Company) -> None:
    results = company.come("first", "a", "bad", "b", "bad too", "c")
    failed = [one for one in results if one.exception() is not None]
    assert sorted(str(one.exception()) for one in failed) == [
        "bad cannot be used.",
        "bad too cannot be used.",
    ]
    assert written() == {"first", "a", "b", "c"}


def test_what_stands_there_already_fails_alone_too(company: Company) -> None:
    results = company.come("first", "a", "a", "b")
    assert sum(one.exception() is not None for one in results) == 1
    assert written() == {"first", "a", "b"}


def test_who_was_interrupted_does_not_hold_up_the_others(company: Company) -> None:
    results = company.come("interrupted", "a", "b")
    assert isinstance(results[0].exception(), KeyboardInterrupt)
    assert [one.result() for one in results[1:]] == ["A", "B"]
    assert written() == {"a", "b"}


def test_everybody_is_told_when_nothing_can_be_written(company: Company) -> None:
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TABLE things_of_tests"))
        else:
            name = connection.engine.url.database
            only_read = f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
            connection.execute(sa.text(only_read))
    db.session.remove()
    db.engine.dispose()
    results = company.come("first", "a", "b")
    assert {type(one.exception()) for one in results} == {Unavailable}


def test_a_crowd_waits_for_who_is_on_the_way(company: Company) -> None:
    results = company.come("first", "a", "b", late=["c", "d"])
    assert [one.result() for one in results] == ["FIRST", "A", "B", "C", "D"]
    assert company.pieces == [["first"], ["a", "b", "c", "d"]]


def test_who_comes_alone_when_there_was_no_crowd_does_not_wait(company: Company) -> None:
    company.come("first")
    assert company.pieces == [["first"]]
    assert company.pauses == 0
