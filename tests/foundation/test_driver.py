"""Statements in the driver's words stand in the unit of work, and fail as all others do."""

from __future__ import annotations

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from mailer.foundation import driver
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Unavailable
from tests.foundation.things import Apart

ADD = "INSERT INTO things_of_tests (public_id) VALUES (?)"
ALL = "SELECT public_id FROM things_of_tests WHERE public_id <> ? ORDER BY id"


@pytest.fixture(autouse=True)
def table(app: Flask) -> Flask:
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        Apart.metadata.create_all(connection)
    return app


def test_many_rows_are_kept_with_the_unit_of_work_or_not_at_all() -> None:
    with unit_of_work():
        driver.execute_each(ADD, [(f"row {number}",) for number in range(40)])
        driver.execute_each(ADD, [])
        assert len(driver.read_rows(ALL, ("row 7",))) == 39
    with pytest.raises(ZeroDivisionError), unit_of_work():
        driver.execute_each(ADD, [("late",)])
        raise ZeroDivisionError
    assert driver.read_rows(ALL, ("none",)) == [(f"row {number}",) for number in range(40)]


def test_what_goes_in_one_go_is_there_for_who_reads_after() -> None:
    with unit_of_work():
        with driver.in_one_go():
            driver.execute_each(ADD, [("a",), ("b",)])
            driver.execute_each(ADD, [])
            driver.execute_each(ADD, [("c",)])
        assert driver.read_rows(ALL, ("b",)) == [("a",), ("c",)]
    assert driver.read_rows(ALL, ("none",)) == [("a",), ("b",), ("c",)]


def test_what_is_refused_in_one_go_takes_everything_back() -> None:
    with pytest.raises(IntegrityError), unit_of_work(), driver.in_one_go():
        driver.execute_each(ADD, [("once",), ("twice",)])
        driver.execute_each(ADD, [("twice",)])
        driver.execute_each(ADD, [("after",)])
    assert driver.read_rows(ALL, ("none",)) == []
    with unit_of_work():
        driver.execute_each(ADD, [("once",)])
    assert driver.read_rows(ALL, ("none",)) == [("once",)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_is_lost_is_told_and_replaced(app: Flask, database_url: str) -> None:
    with pytest.raises(Unavailable), unit_of_work():
        ((pid,),) = driver.read_rows("SELECT pg_backend_pid()")
        with psycopg.connect(database_url.replace("+psycopg", "")) as killer:
            killer.execute("SELECT pg_terminate_backend(%s)", (pid,))
        driver.execute_each(ADD, [("lost",)])
    with unit_of_work():
        driver.execute_each(ADD, [("after",)])
    assert driver.read_rows(ALL, ("none",)) == [("after",)]


def test_what_the_database_refuses_is_told_as_everywhere() -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        driver.execute_each(ADD, [("twice",), ("twice",)])
    assert driver.read_rows(ALL, ("none",)) == []


def test_a_statement_that_is_wrong_is_an_error_of_the_same_kind() -> None:
    with pytest.raises((OperationalError, ProgrammingError)):
        driver.read_rows("SELECT 1 FROM no_such_table")
    db.session.rollback()
    with unit_of_work():
        driver.execute_each(ADD, [("after",)])
    assert driver.read_rows(ALL, ("none",)) == [("after",)]
