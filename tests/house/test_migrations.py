"""Migrations and tables say the same, on both engines."""

from __future__ import annotations

import ast

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from mailer.foundation.database import Model, db
from mailer.foundation.revisions import MIGRATIONS, current_revision, newest_revision
from tests.house.sources import sources

# What the database itself refuses: each of these tables is guarded.
GUARDED = frozenset(
    {
        "consent_payloads",
        "consent_records",
        "consent_texts",
        "contacts",
        "evidence_blobs",
        "form_versions",
        "notices",
        "subscriptions",
    }
)
TRIGGERS = {
    "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT DISTINCT event_object_table FROM information_schema.triggers",
}


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def test_migrations_stand_in_one_line_that_ends_at_the_head_file() -> None:
    assert scripts().get_heads() == [newest_revision()]
    assert len(scripts().get_bases()) == 1


def test_a_file_is_named_after_its_revision() -> None:
    for path in (MIGRATIONS / "versions").glob("*.py"):
        (revision,) = (
            ast.literal_eval(node.value)
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "revision"
        )
        assert path.name.startswith(f"{revision}_")


# SQLite does not tell of which expression an index is; PostgreSQL does.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
def test_a_migrated_database_has_exactly_the_tables_of_the_code(app: Flask) -> None:
    with db.engine.connect() as connection:
        seen = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(seen, Model.metadata) == []
        assert current_revision() == newest_revision()


def test_every_table_is_known_to_the_migrations() -> None:
    """A table whose file nobody imports would be compared with nothing."""
    declared = {
        ast.literal_eval(node.value)
        for source in sources()
        if source.name in ("models.py", "tables.py")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__tablename__"
    }
    assert declared
    assert declared <= set(Model.metadata.tables)


def test_guards_stand_on_both_engines(app: Flask) -> None:
    with db.engine.connect() as connection:
        found = connection.scalars(sa.text(TRIGGERS[connection.dialect.name])).all()
    assert set(found) >= GUARDED


def test_checks_of_columns_are_the_same_on_both_engines(app: Flask) -> None:
    """Alembic compares no check constraints, and our words are kept by them."""
    inspector = sa.inspect(db.engine)
    for table in Model.metadata.sorted_tables:
        wanted = {
            str(check.name) for check in table.constraints if isinstance(check, sa.CheckConstraint)
        }
        found = {str(check["name"]) for check in inspector.get_check_constraints(table.name)}
        assert found >= wanted, table.name
