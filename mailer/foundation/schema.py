"""Brings the database to the newest migration, under a lock, so that two starts do not race."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from mailer.foundation.database import LOCK_WAIT_SECONDS, db

MIGRATIONS = Path(__file__).parents[1] / "migrations"
_LOCK = 4_117_202_611


def newest_revision() -> str:
    """The revision this code needs."""
    return (MIGRATIONS / "current_head.txt").read_text(encoding="utf-8").strip()


def current_revision() -> str | None:
    """The revision the database is at; None for an empty one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade() -> None:
    """Run what is missing. Safe to call at every start and from several processes at once."""
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # Another start may be migrating for longer than anything else may wait for a lock.
            connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_WAIT_SECONDS * 1000}"))
        command.upgrade(_config(connection), "head")


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
