"""At which migration the database stands; apart from running them, which serving needs not import."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from mailer.foundation.database import db

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def newest_revision() -> str:
    """The revision this code needs."""
    return (MIGRATIONS / "current_head.txt").read_text(encoding="utf-8").strip()


def current_revision() -> str | None:
    """The revision the database is at; None for an empty one."""
    with db.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found
