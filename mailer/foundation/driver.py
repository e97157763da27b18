"""Statements in the driver's own words, for the few places where a mail or a visitor costs microseconds.

Everything runs in the session's transaction. Statements are written with `?`; moments go in and come out
as the tables hold them.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from mailer.foundation.database import connection, is_sqlite

Row = tuple[Any, ...]
Rows = Sequence[Row]


def is_postgresql() -> bool:
    """Whether the session speaks to PostgreSQL."""
    return not is_sqlite()


def execute(statement: str, values: tuple[Any, ...] = ()) -> sa.CursorResult[*tuple[Any, ...]]:
    """Run one statement."""
    return connection().exec_driver_sql(marked(statement, is_postgresql=is_postgresql()), values)


def read_rows(statement: str, values: tuple[Any, ...] = ()) -> Rows:
    """Run one statement that reads; its rows as the driver makes them."""
    if is_sqlite():
        with _sqlite() as driver:
            return driver.execute(statement, values).fetchall()
    result = execute(statement, values)
    rows: Rows = result.cursor.fetchall()
    result.close()
    return rows


def execute_each(statement: str, values: list[tuple[Any, ...]]) -> None:
    """Run one statement for each of `values`; SQLite does this without a way to the server and back."""
    if not values:
        return
    if is_sqlite():
        with _sqlite() as driver:
            driver.executemany(statement, values).close()
    else:
        connection().exec_driver_sql(marked(statement, is_postgresql=True), values)


@contextmanager
def _sqlite() -> Iterator[sqlite3.Connection]:
    """The driver's own connection. Its errors are raised as SQLAlchemy would, which asks twice as long."""
    current = connection()
    try:
        yield cast("sqlite3.Connection", current.connection.dbapi_connection)
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            None, None, error, sqlite3.Error, hide_parameters=True, dialect=current.dialect
        ) from error


def marks(count: int) -> str:
    """A mark for each of so many values, one at least."""
    return ", ".join("?" * count)


def moment_in(at: datetime) -> datetime | str:
    """A moment (aware) as the driver takes it."""
    return moment_for(at, is_postgresql=is_postgresql())


def moment_for(at: datetime, *, is_postgresql: bool) -> datetime | str:
    """A moment (aware) as the driver of one or the other takes it."""
    if is_postgresql:
        return at
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def moment_out(given: Any) -> datetime:
    """A moment as the driver gave it, aware, UTC."""
    if isinstance(given, datetime):
        return given if given.tzinfo is UTC else given.astimezone(UTC)
    return datetime.fromisoformat(f"{given}+00:00")


def prefer(*, off: str) -> None:
    """Have PostgreSQL leave the named ways of planning until the transaction ends.

    Its guess at fresh tables without statistics, or for a prepared statement, is off by orders of
    magnitude: it reads a whole table for a batch that is a thousandth of it.
    """
    if is_postgresql():
        names = ", ".join(f"set_config('enable_{name}', 'off', true)" for name in off.split())
        execute(f"SELECT {names}")


@functools.cache
def marked(statement: str, *, is_postgresql: bool) -> str:
    """A statement with the marks for values that the driver knows."""
    return statement.replace("?", "%s") if is_postgresql else statement
