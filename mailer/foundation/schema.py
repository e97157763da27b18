"""Brings the database to the newest migration, under a lock, so that two starts do not race."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from mailer.foundation.database import LOCK_WAIT_SECONDS, db
from mailer.foundation.revisions import MIGRATIONS

_LOCK = 4_117_202_611


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
