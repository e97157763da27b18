"""Statements in the driver's own words, for the few places where a mail or a visitor costs microseconds.

Everything runs in the session's transaction. Statements are written with `?`; moments go in and come out
as the tables hold them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

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
    current = connection()
    return current.exec_driver_sql(_marked(current, statement), values)


def read_rows(statement: str, values: Row = ()) -> Rows:
    """Run one statement that reads; its rows as the driver makes them."""
    current = connection()
    with _Wrapping(current):
        rows: Rows = _driver(current).execute(_marked(current, statement), values).fetchall()
    return rows


def execute_each(statement: str, values: list[Row]) -> None:
    """Run one statement for each of `values`; SQLite does this without a way to the server and back."""
    if not values:
        return
    current = connection()
    with _Wrapping(current):
        cursor = _driver(current).cursor()
        cursor.executemany(_marked(current, statement), values)
        cursor.close()


@contextmanager
def in_one_go() -> Iterator[None]:
    """Inside, `execute_each` does not wait for PostgreSQL's answer (libpq's pipeline mode): all are awaited at
    the end, where what was refused is raised.
    """
    current = connection()
    if current.dialect.name == "sqlite":
        yield
    else:
        with _Wrapping(current), _driver(current).pipeline():
            yield


def _driver(current: sa.Connection) -> Any:
    """The driver's own connection: through SQLAlchemy each statement takes twice as long."""
    return current.connection.dbapi_connection


def _marked(current: sa.Connection, statement: str) -> str:
    return marked(statement, is_postgresql=current.dialect.name == "postgresql")


class _Wrapping:
    """Inside, errors of the driver are raised as SQLAlchemy would, and a connection that is lost is let go."""

    __slots__ = ("_current",)

    def __init__(self, current: sa.Connection) -> None:
        self._current = current

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        current, dialect = self._current, self._current.dialect
        if not isinstance(error, dialect.loaded_dbapi.Error):
            return
        is_lost = dialect.is_disconnect(error, _driver(current), None)
        if is_lost:
            current.invalidate(error)
        raise DBAPIError.instance(
            None,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
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
    """Have PostgreSQL leave the named ways of planning, and helpers, until the transaction ends.

    Its guess at fresh tables without statistics, or for a prepared statement, is off by orders of
    magnitude: it reads a whole table for a batch that is a thousandth of it. With statistics it starts
    parallel workers, which take longer to come than the batch takes.
    """
    if is_postgresql():
        names = [f"set_config('enable_{name}', 'off', true)" for name in off.split()]
        names.append("set_config('max_parallel_workers_per_gather', '0', true)")
        execute(f"SELECT {', '.join(names)}")


@functools.cache
def marked(statement: str, *, is_postgresql: bool) -> str:
    """A statement with the marks for values that the driver knows."""
    return statement.replace("?", "%s") if is_postgresql else statement
