"""What the owner of the database can do: take the guards away and rewrite."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.foundation.database import db, unit_of_work


def tamper(table: str, statement: str) -> None:
    """Run `statement`, which changes `table`, with that table's guards gone."""
    db.session.rollback()
    with unit_of_work():
        if db.engine.dialect.name == "postgresql":
            db.session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            names = db.session.scalars(
                sa.text(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name"
                ),
                {"name": table},
            ).all()
            for name in names:
                db.session.execute(sa.text(f"DROP TRIGGER {name}"))
        changed = db.session.execute(sa.text(statement))
        assert changed.rowcount  # type: ignore[attr-defined]
