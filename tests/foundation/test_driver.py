"""Statements in the driver's words stand in the unit of work, and fail as all others do."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from mailer.foundation import driver
from mailer.foundation.database import db, unit_of_work
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
