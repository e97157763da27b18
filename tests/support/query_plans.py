"""How the database carries out each statement of a stretch of code, and which tables it reads whole."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from mailer.foundation.database import Model, db

_READS_OR_WRITES = re.compile(r"\s*(SELECT|UPDATE|DELETE|INSERT|WITH)\b", re.IGNORECASE)
_SCAN = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")


class Statements:
    """Every statement that was run, once, with the values it was run with first."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def note(self, statement: Any, values: Any) -> None:
        text = statement.decode() if isinstance(statement, bytes) else str(statement)
        if _READS_OR_WRITES.match(text) and " VALUES " not in text:
            self.seen.setdefault(text, values)


def _sqlite_connection(statements: Statements) -> type[sqlite3.Connection]:
    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
            statements.note(statement, values)
            return super().execute(statement, values)

        def executemany(self, statement: str, values: Any, /) -> sqlite3.Cursor:
            listed = list(values)
            statements.note(statement, next(iter(listed), ()))
            return super().executemany(statement, listed)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
            cursor: sqlite3.Cursor = self.cursor()
            return cursor.execute(statement, values)

    return Connection


def _psycopg_cursor(statements: Statements) -> type[psycopg.Cursor[Any]]:
    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            statements.note(query, params)
            return super().execute(query, params, **more)

        def executemany(self, query: Any, params_seq: Any, **more: Any) -> None:
            listed = list(params_seq)
            statements.note(query, next(iter(listed), None))
            super().executemany(query, listed, **more)

    return Cursor


@contextmanager
def recorded() -> Iterator[Statements]:
    """Note every statement of this process inside, in SQLAlchemy's words or in the driver's own."""
    statements = Statements()
    engine = db.engine

    def connect(_dialect: Any, _record: Any, _arguments: Any, named: dict[str, Any]) -> None:
        if engine.dialect.name == "sqlite":
            named["factory"] = _sqlite_connection(statements)
        else:
            named["cursor_factory"] = _psycopg_cursor(statements)

    db.session.remove()
    engine.dispose()
    event.listen(engine, "do_connect", connect)
    try:
        yield statements
    finally:
        db.session.remove()
        event.remove(engine, "do_connect", connect)
        engine.dispose()


def read_whole(statements: Statements, tables: Sequence[str]) -> list[str]:
    """The statements for which the database would read one of `tables` from end to end, with its name.

    An order that an index gives to a LIMIT is not counted, for it ends early. PostgreSQL is asked what it does
    when reading a table whole is made dear, for the tables of a test are small.
    """
    explain = _explain_sqlite if db.engine.dialect.name == "sqlite" else _explain_postgresql
    found = []
    for statement, values in statements.seen.items():
        whole = [name for name in explain(statement, values) if name in tables]
        found += [f"{name}: {' '.join(statement.split())}" for name in sorted(set(whole))]
    db.session.rollback()
    return found


def _explain_sqlite(statement: str, values: Any) -> list[str]:
    rows = (
        db.session.connection()
        .exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values or ())
        .all()
    )
    names = _aliases(statement)
    scanned = [match for row in rows if (match := _SCAN.match(row[3]))]
    return [
        names.get(one[1].lower(), one[1]) for one in scanned if one[2] not in _partial_indexes()
    ]


def _partial_indexes() -> set[str | None]:
    """Indexes that hold a few rows of their table only."""
    tables = Model.metadata.tables.values()
    indexes = (index for table in tables for index in table.indexes)
    return {index.name for index in indexes if index.dialect_options["sqlite"]["where"] is not None}


def _explain_postgresql(statement: str, values: Any) -> list[str]:
    current = db.session.connection()
    current.execute(sa.text("SET LOCAL enable_seqscan = off"))
    (plan,) = current.exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {statement}", values or ()
    ).scalar_one()
    return list(_read_whole(plan["Plan"]))


def _read_whole(node: dict[str, Any]) -> Iterator[str]:
    kind, index = node["Node Type"], node.get("Index Name")
    by_index = "Index" in kind and "Bitmap Heap" not in kind
    if kind == "Seq Scan":
        yield node["Relation Name"]
    elif by_index and "Index Cond" not in node and index not in _partial_indexes():
        yield node.get("Relation Name", "")
    for inner in node.get("Plans", ()):
        yield from _read_whole(inner)


def _aliases(statement: str) -> dict[str, str]:
    found = re.findall(
        r"\b(?:FROM|JOIN|UPDATE|,)\s+(\w+)\s+(?:AS\s+)?(\w+)", statement, re.IGNORECASE
    )
    return {alias.lower(): table for table, alias in found}
