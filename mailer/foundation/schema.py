"""Brings the database to the newest migration, under a lock, so that two starts do not race."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from mailer.foundation.database import db

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
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        command.upgrade(_config(connection), "head")


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
