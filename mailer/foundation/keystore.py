"""The keys of people, in a database of their own (T-006).

A backup of the main database holds evidence only as ciphertext; its keys lie here, and here a key that is
destroyed is gone. So keep one newest copy of this store, apart from the backups, never a row of old ones.
Writing here takes effect at once and does not wait for the unit of work: a key too many does no harm and is
swept away, and a key destroyed for an erasure that then failed belongs to an erasure that will be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from mailer.foundation import context
from mailer.foundation.clock import now
from mailer.foundation.database import LOCK_WAIT_SECONDS, NOTICE_SILENCE, keep_write_ahead_log
from mailer.foundation.errors import NotAllowed, Unavailable

KEYS = sa.Table(
    "person_keys",
    sa.MetaData(),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),  # seconds since the epoch
)
WRITE_CHECKS = sa.Table(
    "write_checks",
    KEYS.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("written_at", sa.Float, nullable=False),  # seconds since the epoch
)
_SLICE = 500
_ASIDE = ("~1", "~2", "~3")  # what ends the names of keys that were set aside
_EXTENSION = "mailer.keystore"


def put(name: str, sealed: bytes) -> None:
    """Keep a sealed key under `name`. Raises Unavailable."""
    put_many({name: sealed})


def put_many(sealed: Mapping[str, bytes]) -> None:
    """Keep many keys at once, all or none. Raises Unavailable."""
    moment = now().timestamp()
    rows = [{"name": name, "sealed": value, "created_at": moment} for name, value in sealed.items()]
    with _connection() as connection:
        connection.execute(KEYS.insert(), rows)


def find(name: str) -> bytes | None:
    """The sealed key under `name`; None when there is none (any more). Raises Unavailable."""
    with _connection() as connection:
        return connection.scalar(sa.select(KEYS.c.sealed).where(KEYS.c.name == name))


def find_many(names: Iterable[str]) -> dict[str, bytes]:
    """The sealed keys that are there, by name. Raises Unavailable."""
    found: dict[str, bytes] = {}
    with _connection() as connection:
        for part in _slices(names):
            query = sa.select(KEYS.c.name, KEYS.c.sealed).where(KEYS.c.name.in_(part))
            found.update((row.name, row.sealed) for row in connection.execute(query))
    return found


def destroy(names: Iterable[str]) -> int:
    """Destroy keys for good; returns how many there were. Raises Unavailable.

    SQLite overwrites them and empties its write-ahead log; PostgreSQL is told to reclaim the rows, so that
    a copy taken afterwards holds no trace.
    """
    count = 0
    with _connection() as connection:
        for part in _slices(names):
            count += connection.execute(KEYS.delete().where(KEYS.c.name.in_(part))).rowcount
            others = [f"{name}{end}" for name in part for end in _ASIDE]
            connection.execute(KEYS.delete().where(KEYS.c.name.in_(others)))
    with _connection(autocommit=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"VACUUM {KEYS.name}")
        else:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return count


def set_aside(name: str) -> None:
    """Make room under `name` for a new key; the old one, which cannot be opened, is kept under another name.

    Whoever puts the service's own key back can open it again; `destroy` takes it along. Raises NotAllowed when
    there is no name left, Unavailable.
    """
    with _connection() as connection:
        others = [f"{name}{end}" for end in _ASIDE]
        taken = set(connection.scalars(sa.select(KEYS.c.name).where(KEYS.c.name.in_(others))))
        free = next((other for other in others if other not in taken), None)
        if free is None:
            raise NotAllowed("Too many keys of one person were set aside.")
        connection.execute(KEYS.update().where(KEYS.c.name == name).values(name=free))


def name_of(stored: str) -> str:
    """Whose key it is that is stored under `stored`, set aside or not."""
    return stored.partition("~")[0]


def iter_names(*, before: datetime) -> Iterator[list[str]]:
    """The names of all keys made before a moment, in slices, in their order. Raises Unavailable."""
    last = ""
    while True:
        query = (
            sa.select(KEYS.c.name)
            .where(KEYS.c.name > last, KEYS.c.created_at < before.timestamp())
            .order_by(KEYS.c.name)
            .limit(_SLICE)
        )
        with _connection() as connection:
            part = list(connection.scalars(query))
        if not part:
            return
        yield part
        last = part[-1]


def check_writing() -> None:
    """Write the moment into the store. Raises Unavailable when it takes no writes."""
    with _connection() as connection:
        connection.execute(WRITE_CHECKS.delete())
        connection.execute(WRITE_CHECKS.insert().values(id=1, written_at=now().timestamp()))


def dispose() -> None:
    """Let go of all connections of this process."""
    engine: sa.Engine | None = context.extensions().pop(_EXTENSION, None)
    if engine is not None:
        engine.dispose()


@contextmanager
def _connection(*, autocommit: bool = False) -> Iterator[sa.Connection]:
    try:
        engine = _engine()
        if autocommit:
            with engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
            return
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise Unavailable("The key store does not answer just now. Nothing was changed.") from error


def _engine() -> sa.Engine:
    """The engine of this application, made and its table created at the first use in a process."""
    kept: dict[str, Any] = context.extensions()
    engine: sa.Engine | None = kept.get(_EXTENSION)
    if engine is None:
        engine = _connect(context.settings().keys_url)
        _make_tables(engine)
        kept[_EXTENSION] = engine
    return engine


def _make_tables(engine: sa.Engine) -> None:
    for table in KEYS.metadata.sorted_tables:
        try:
            table.create(engine, checkfirst=True)
        except DBAPIError:
            # Of several processes that look at the same moment, one makes it and the others are refused.
            if not sa.inspect(engine).has_table(table.name):
                raise


def _connect(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                **NOTICE_SILENCE,
                "options": f"-c lock_timeout={LOCK_WAIT_SECONDS * 1000}",
            },
        )
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"timeout": LOCK_WAIT_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        keep_write_ahead_log(connection)
        cursor = connection.cursor()
        # On the disk before the row that needs it: without its key a record could never be read again.
        for pragma in ("synchronous=FULL", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _slices(names: Iterable[str]) -> Iterator[Collection[str]]:
    every = list(names)
    for start in range(0, len(every), _SLICE):
        yield every[start : start + _SLICE]
