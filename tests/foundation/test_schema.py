from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from mailer.app import create_app
from mailer.foundation import revisions, schema
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.foundation.settings import Settings
from tests.conftest import environ_for
from tests.support import postgres

ROOT = Path(__file__).parents[2]
START = """
import sys
from mailer.app import create_app
from mailer.foundation import revisions, schema
from mailer.foundation.settings import Settings
app = create_app(Settings.from_environment())
sys.stdin.readline()
with app.app_context():
    schema.upgrade()
    print(revisions.current_revision())
"""

LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = '0999', '{}'


def upgrade():
    op.add_column('consent_texts', sa.Column('note', sa.Text(), nullable=True))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a service whose database is empty."""
    if request.param == "sqlite":
        yield environ_for(tmp_path)
        return
    url = postgres.create_database(request.getfixturevalue("postgres_server"))
    yield environ_for(tmp_path, MAILER_DATABASE_URL=url)
    postgres.drop_database(url)


@pytest.fixture
def started(environ: dict[str, str]) -> Iterator[None]:
    app = create_app(Settings.from_environment(environ))
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


A_TEXT = (
    "INSERT INTO consent_texts (sha256, media_type, body, created_at)"
    " VALUES ('a', 'text/plain', '', '2026-01-01')"
)


def run(statement: str) -> None:
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(sa.text(statement))


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names())


@pytest.mark.usefixtures("started")
def test_an_empty_database_becomes_the_newest() -> None:
    assert revisions.current_revision() is None
    schema.upgrade()
    assert revisions.current_revision() == revisions.newest_revision()
    assert {"contacts", "consent_records", "deliveries"} <= tables()


@pytest.mark.usefixtures("started")
def test_upgrading_again_changes_nothing() -> None:
    schema.upgrade()
    before = tables()
    run(A_TEXT)
    schema.upgrade()
    assert tables() == before
    with db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM consent_texts")) == 1


@pytest.mark.usefixtures("started")
def test_a_later_version_upgrades_a_database_with_rows_and_keeps_its_guards(
    environ: dict[str, str], tmp_path: Path
) -> None:
    schema.upgrade()
    run(A_TEXT)
    later, newest = tmp_path / "later", revisions.newest_revision()
    shutil.copytree(ROOT / "mailer", later / "mailer", ignore=shutil.ignore_patterns("__pycache__"))
    versions = later / "mailer" / "migrations" / "versions"
    (versions / "0999_later.py").write_text(LATER.format(newest))
    (later / "mailer" / "migrations" / "current_head.txt").write_text("0999\n")
    upgrade = [sys.executable, "-m", "mailer", "upgrade"]
    done = subprocess.run(
        upgrade, check=False, cwd=later, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"From {newest} to 0999.\n"), done.stderr
    with db.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT sha256, note FROM consent_texts")).all()
    assert rows == [("a", None)]
    with pytest.raises(DatabaseError, match="consent_texts is append-only"):
        run("UPDATE consent_texts SET note = 'changed'")
    with pytest.raises(NotAllowed, match="made by another version"):
        schema.upgrade()


@pytest.mark.usefixtures("started")
def test_an_upgraded_connection_waits_for_locks_as_always() -> None:
    schema.upgrade()
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.scalar(sa.text("SHOW lock_timeout")) == "8s"
        else:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 8000


def test_several_starts_at_once_all_succeed(environ: dict[str, str]) -> None:
    with ExitStack() as undo:
        starts = [
            undo.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", START],
                    env=environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        for start in starts:
            assert start.stdin is not None
            start.stdin.write("go\n")
            start.stdin.flush()
        said = [start.communicate(timeout=60) for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], said
    assert {out.strip() for out, _ in said} == {revisions.newest_revision()}
