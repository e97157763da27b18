"""A backup of the database, and putting it back."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from mailer.foundation.database import Model, db


def copy_rows() -> dict[str, list[dict[str, object]]]:
    db.session.rollback()
    return {
        table.name: [dict(row) for row in db.session.execute(sa.select(table)).mappings()]
        for table in Model.metadata.sorted_tables
    }


def restore_rows(app: Flask, backup: dict[str, list[dict[str, object]]]) -> None:
    """Put the database back as it was, as an operator does with a backup: guards look away."""
    db.session.remove()
    is_sqlite = db.engine.dialect.name == "sqlite"
    tables = list(Model.metadata.sorted_tables)
    with db.engine.connect().execution_options(write=True) as connection:
        if is_sqlite:
            triggers = connection.execute(
                sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _ in triggers:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        for table in reversed(tables):
            connection.execute(sa.delete(table))
        for table in tables:
            if backup[table.name]:
                connection.execute(sa.insert(table), backup[table.name])
        if is_sqlite:
            for _, sql in triggers:
                connection.exec_driver_sql(sql)
        connection.get_transaction().commit()  # type: ignore[union-attr]  # it has begun
