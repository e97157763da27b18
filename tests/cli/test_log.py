"""The commands about the log, run as an operator would."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mailer.app import create_app
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from tests.cli.test_commands import Operator
from tests.support.factories import make_organisation
from tests.support.keeping import keep, queue_leaves


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def write(operator: Operator, *names: str) -> None:
    """Log leaves and sign them, as the service would."""
    settings = Settings.from_environment(operator.environ)
    with create_app(settings).app_context():
        queue_leaves(None, *names)
        keep(settings)
        db.session.remove()
        db.engine.dispose()


@pytest.mark.requirement("T-015")
@pytest.mark.requirement("T-046")
def test_an_operator_looks_repairs_rotates_and_audits(operator: Operator, tmp_path: Path) -> None:
    assert operator.run("upgrade").returncode == 0
    settings = Settings.from_environment(operator.environ)
    with create_app(settings).app_context():
        make_organisation()
        db.session.remove()
        db.engine.dispose()
    write(operator, "lea_one")
    assert "none yet" not in operator.run("log", "status").stdout

    with closing(sqlite3.connect(tmp_path / "mailer.db")) as connection:
        connection.execute(f"VACUUM INTO '{tmp_path / 'backup.db'}'")
    write(operator, "lea_two", "lea_three")
    for name in ("mailer.db-wal", "mailer.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "mailer.db")

    found = operator.run("audit")
    assert found.returncode == 1
    assert "signer_differs" in found.stdout
    repaired = operator.run("log", "repair")
    assert (repaired.returncode, "2 leaves were put back" in repaired.stdout) == (0, True)
    assert "holds the 4 leaves" in operator.run("log", "repair").stdout
    write(operator, "lea_four")
    audited = operator.run("audit")
    assert audited.returncode == 0, audited.stdout
    assert "100%" in audited.stderr

    rotated = operator.run("log", "rotate-key")
    assert rotated.returncode == 0
    assert "both keys" in rotated.stdout
    assert operator.run("log", "rotate-key").returncode == 1
    write(operator, "lea_five")
    assert operator.run("log", "status").stdout.count("key ") == 2
    assert operator.run("log", "rotate-key", "--finish").returncode == 0


def test_a_checkpoint_that_cannot_be_read_is_refused(operator: Operator, tmp_path: Path) -> None:
    operator.run("upgrade")
    answer = operator.run("log", "repair", "--checkpoint", str(tmp_path / "missing"))
    assert answer.returncode == 1
    assert "cannot be read" in answer.stderr
