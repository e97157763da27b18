"""Brings the database to the newest migration, under a lock, so that two starts do not race."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mailer.foundation.database import LOCK_WAIT_SECONDS, db
from mailer.foundation.errors import NotAllowed
from mailer.foundation.revisions import MIGRATIONS

_LOCK = 4_117_202_611


def upgrade() -> None:
    """Run what is missing. Safe to call at every start and from several processes at once.

    Raises NotAllowed, and changes nothing, when this code does not know how the database came about.
    """
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # Another start may be migrating for longer than anything else may wait for a lock.
            connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_WAIT_SECONDS * 1000}"))
        config = _config(connection)
        _require_known(connection, config)
        command.upgrade(config, "head")


def _require_known(connection: sa.Connection, config: Config) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NotAllowed(
            f"This database was made by another version of Mailer (revision {found}): a newer one, or one from"
            " before the first release. Nothing was changed. Start the version it belongs to, or begin with an"
            " empty database (MAILER_DATABASE_URL, or another MAILER_DATA_DIRECTORY)."
        )


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
