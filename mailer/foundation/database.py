"""The database: base of all tables, types, and the unit of work with the one commit of the whole house."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, registry

from mailer.foundation import context, searching
from mailer.foundation.errors import Unavailable
from mailer.foundation.events import Event, tell

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
LOCK_WAIT_SECONDS = 8
SILENCE_SECONDS = 300  # between two statements of one transaction
ASK_AGAIN_SECONDS = 0.0005
_PRIMARY = 0xFF  # the part of SQLite's error codes that says what kind it is
# A connection whose other end is gone without a word is given up after about half a minute (libpq).
NOTICE_SILENCE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
}
READ_ONLY = "25006"  # SQLSTATE
_TAKE_TURNS = sa.text(
    "SELECT count(pg_advisory_xact_lock(hashtextextended(name, 0)))"
    " FROM unnest(CAST(:names AS text[])) AS name"
)
# One of this process at a time asks for SQLite's write lock; the others wait here, without asking.
_writers = threading.Lock()


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time: aware, stored in UTC; a naive value is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def enum_column(kinds: type[StrEnum]) -> sa.Enum:
    """A column type that holds the values of `kinds` as text.

    Checked here and not by the database, where a further value would mean to build the table anew.
    """
    return sa.Enum(
        kinds,
        native_enum=False,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )


class Model(DeclarativeBase):
    """Base of all tables."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: Moment(),
            int: RowId,
            dict[str, Any]: sa.JSON(),
            list[Any]: sa.JSON(),
        },
    )


db = SQLAlchemy(
    model_class=Model,
    session_options={"expire_on_commit": False},
    engine_options={},
)


def prepare(app: Flask, url: str) -> None:
    """Connect `app` to the database at `url`, with what each engine needs to keep its word."""
    is_embedded = url.startswith("sqlite")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = (
        # Parameters are hidden because errors are logged, and parameters hold people's names.
        {"hide_parameters": True, "connect_args": {"timeout": LOCK_WAIT_SECONDS}}
        if is_embedded
        else {
            "hide_parameters": True,
            "pool_pre_ping": True,
            "connect_args": {
                "connect_timeout": 5,
                **NOTICE_SILENCE,
                # A host that is cut off in the middle of a transaction does not keep its locks for hours.
                # Statements are short: to compile one takes longer than to run it.
                "options": f"-c lock_timeout={LOCK_WAIT_SECONDS * 1000} -c timezone=UTC -c jit=off"
                f" -c idle_in_transaction_session_timeout={SILENCE_SECONDS * 1000}",
            },
        }
    )
    db.init_app(app)
    if is_embedded:
        with app.app_context():
            prepare_sqlite(db.engine)


def is_sqlite() -> bool:
    """Whether the running application keeps its rows in SQLite; else in PostgreSQL."""
    return context.settings().database_url.startswith("sqlite")


def prepare_sqlite(engine: Engine) -> None:
    """Write-ahead log, real foreign keys, real triggers; units of work take the write lock at once,
    everything else only reads and neither waits for writers nor blocks them.

    The log is folded into the database every 8,000 pages (32 MB): under load the same few pages change again
    and again, and each time they would be copied.
    recursive_triggers makes INSERT OR REPLACE fire the delete triggers that keep records append-only;
    a deferred BEGIN fails at the first write whenever another writer came in between.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        keep_write_ahead_log(connection)
        searching.add_to_sqlite(connection)
        cursor = connection.cursor()
        for pragma in (
            "synchronous=NORMAL",
            "wal_autocheckpoint=8000",
            f"busy_timeout={LOCK_WAIT_SECONDS * 1000}",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "trusted_schema=OFF",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("write", False):
            _begin_to_write(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def keep_write_ahead_log(driver: sqlite3.Connection) -> None:
    """Have SQLite write ahead; a file that is new is asked for until nobody else is opening it.

    Raises OperationalError when it stays locked. SQLite refuses the first who turn to the log at the same
    moment at once, whatever busy_timeout says.
    """
    limit = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            driver.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > limit:
                raise
            time.sleep(ASK_AGAIN_SECONDS)
        else:
            return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY


def _begin_to_write(connection: Connection) -> None:
    """Take SQLite's write lock as soon as it is free.

    SQLite itself has those who wait ask again after up to 100 ms, so that it lies idle under load. The driver
    is asked directly, for a refusal that SQLAlchemy wraps costs as much as a statement.
    """
    limit = time.monotonic() + LOCK_WAIT_SECONDS
    driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    driver.execute("PRAGMA busy_timeout=0").close()
    try:
        while time.monotonic() < limit:
            try:
                driver.execute("BEGIN IMMEDIATE").close()
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    break
                time.sleep(ASK_AGAIN_SECONDS)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what has to be told
    finally:
        driver.execute(f"PRAGMA busy_timeout={LOCK_WAIT_SECONDS * 1000}").close()


def make_durable() -> None:
    """Have every commit of this process on the disk before it returns; for who signs what was committed.

    SQLite otherwise syncs its write-ahead log later; PostgreSQL does this anyway.
    """
    engine = db.engine
    if not is_sqlite():
        return

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=FULL").close()

    db.session.remove()
    engine.dispose()


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """One transaction: everything inside is kept, or nothing; events are told after the commit.

    Raises Unavailable when the database cannot be reached, stays locked or takes no writes.
    """
    current = db.session()
    if current.info.get("unit_of_work"):
        raise RuntimeError("a unit of work inside another one")
    if current.in_transaction():
        current.rollback()  # ends the reading, whose snapshot would be stale
    current.info["unit_of_work"] = True
    current.info["events"] = []
    try:
        with _turn_to_write():
            # SQLite: takes the write lock now, for a reader cannot become a writer once another one wrote.
            current.info["connection"] = current.connection(execution_options={"write": True})
            yield current
            current.commit()
    except (OperationalError, InternalError) as error:
        current.rollback()
        if isinstance(error, InternalError) and not _is_read_only(error):
            raise
        raise Unavailable("The database does not answer just now. Nothing was changed.") from error
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info["unit_of_work"] = False
        current.info.pop("connection", None)
    tell(current.info.pop("events"))


def connection() -> Connection:
    """The connection of the session's transaction, which begins with it."""
    current = db.session()
    known: Connection | None = current.info.get("connection")
    return current.connection() if known is None else known


def _is_read_only(error: InternalError) -> bool:
    """Whether PostgreSQL refuses to write for now: after a failover, or because somebody said so."""
    return getattr(error.orig, "sqlstate", None) == READ_ONLY


@contextmanager
def _turn_to_write() -> Iterator[None]:
    if not is_sqlite():
        yield
        return
    if not _writers.acquire(timeout=LOCK_WAIT_SECONDS):
        raise Unavailable("The database is busy just now. Nothing was changed.")
    try:
        yield
    finally:
        _writers.release()


def record(happened: Event) -> None:
    """Have `happened` told to listeners once the running unit of work is committed."""
    current = db.session()
    if not current.info.get("unit_of_work"):
        raise RuntimeError("an event outside of a unit of work")
    current.info["events"].append(happened)


def serialise_on(*names: str) -> None:
    """Let only one transaction at a time pass here for each of `names`, until it ends.

    SQLite has a single writer anyway; PostgreSQL takes advisory locks, in the order of the names, so that
    two who ask for several of the same do not wait for each other.
    """
    if not is_sqlite():
        connection().execute(_TAKE_TURNS, {"names": sorted(set(names))})
