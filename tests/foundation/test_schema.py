from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailer.app import create_app
from mailer.foundation import revisions, schema
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from tests.conftest import environ_for
from tests.support import postgres

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
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(
            sa.text(
                "INSERT INTO consent_texts (sha256, media_type, body, created_at)"
                " VALUES ('a', 'text/plain', :body, '2026-01-01')"
            ),
            {"body": b"a"},
        )
    schema.upgrade()
    assert tables() == before
    with db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM consent_texts")) == 1


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
