"""Statements in the driver's own words, for the few places where a mail or a visitor costs microseconds.

Everything runs in the session's transaction. Statements are written with `?`; moments go in and come out
as the tables hold them.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Sequence
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
    current = connection()
    if current.dialect.name == "sqlite":
        with _Wrapping(current):
            return _driver(current).execute(statement, values).fetchall()
    result = execute(statement, values)
    rows: Rows = result.cursor.fetchall()
    result.close()
    return rows


def execute_each(statement: str, values: list[tuple[Any, ...]]) -> None:
    """Run one statement for each of `values`; SQLite does this without a way to the server and back."""
    if not values:
        return
    current = connection()
    if current.dialect.name == "sqlite":
        with _Wrapping(current):
            _driver(current).executemany(statement, values).close()
    else:
        current.exec_driver_sql(marked(statement, is_postgresql=True), values)


def _driver(current: sa.Connection) -> sqlite3.Connection:
    """SQLite's own connection: through SQLAlchemy each statement takes twice as long."""
    return cast("sqlite3.Connection", current.connection.dbapi_connection)


class _Wrapping:
    """Inside, errors of SQLite are raised as SQLAlchemy would."""

    __slots__ = ("_dialect",)

    def __init__(self, current: sa.Connection) -> None:
        self._dialect = current.dialect

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise DBAPIError.instance(
                None, None, error, sqlite3.Error, hide_parameters=True, dialect=self._dialect
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
