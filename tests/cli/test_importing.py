"""`python -m mailer import`, as an operator runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailer.app import create_app
from mailer.foundation import keystore
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from mailer.subscriptions import count_active
from tests.cli.test_commands import Operator
from tests.support.factories import make_list, make_organisation

PEOPLE = (
    "email,name,consent_date\ncleo@example.org,Cleo,2024-05-31\nno address,X,\n=x@y.example,Z,\n"
)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path)
    made.run("upgrade")
    return made


@pytest.fixture
def list_id(operator: Operator) -> str:
    with create_app(Settings.from_environment(operator.environ)).app_context():
        made = make_list(make_organisation())
        db.session.remove()
        db.engine.dispose()
        keystore.dispose()
    return made.public_id


def active(operator: Operator) -> int:
    with create_app(Settings.from_environment(operator.environ)).app_context():
        count = count_active([1])[1]
        db.session.remove()
        db.engine.dispose()
    return count


@pytest.mark.requirement("S-064")
def test_a_dry_run_says_everything_and_changes_nothing_and_an_import_can_be_undone(
    operator: Operator, list_id: str, tmp_path: Path
) -> None:
    people, evidence, words = (tmp_path / name for name in ("p.csv", "e.pdf", "w.txt"))
    people.write_text(PEOPLE)
    evidence.write_text("the log")
    words.write_text("Yes, please")
    refused = tmp_path / "refused.csv"
    given = [
        *("import", str(people), "--list", list_id, "--evidence", str(evidence)),
        *("--source", "shop", "--method", "form", "--wording", str(words)),
    ]

    dry = operator.run(*given, "--dry-run", "--refused", str(refused))
    assert dry.returncode == 0, dry.stderr
    assert "1 proven" in dry.stdout
    assert "Nothing was changed" in dry.stdout
    assert "Dry run: 100%" in dry.stderr
    assert "3,no address" in refused.read_text()
    assert active(operator) == 0

    done = operator.run(*given)
    assert done.returncode == 0, done.stderr
    assert "1 imported" in done.stdout
    assert "Art. 14" in done.stdout
    assert active(operator) == 1

    name = re.search(r"--undo (imp_\S+)", done.stdout)
    assert name is not None
    undone = operator.run("import", "--undo", name[1])
    assert undone.returncode == 0, undone.stderr
    assert active(operator) == 0


def test_what_is_wrong_is_told_in_a_line(operator: Operator, list_id: str, tmp_path: Path) -> None:
    people = tmp_path / "p.csv"
    people.write_text("who,name\ncleo@example.org,Cleo\n")
    assert "FILE and --list" in operator.run("import").stderr
    assert "no list" in operator.run("import", str(people), "--list", "lst_x").stderr
    unnamed = operator.run("import", str(people), "--list", list_id)
    assert unnamed.returncode == 1
    assert "exactly one column" in unnamed.stderr
    wrong = operator.run("import", str(people), "--list", list_id, "--column", "x=address")
    assert "There is no column 'x'" in wrong.stderr
    named = operator.run("import", str(people), "--list", list_id, "--column", "who=address")
    assert "1 locked" in named.stdout
