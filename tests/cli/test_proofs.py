"""A bundle made and checked on the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer import accounts, proofs
from mailer.app import create_app
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from tests.conftest import environ_for
from tests.support.keeping import keep
from tests.support.make_consents import Cleo, make_cleo
from tests.support.verifying import ROOT


class Operator:
    """Somebody with a shell where the service runs."""

    def __init__(self, directory: Path) -> None:
        self.environ = environ_for(directory)
        self.directory = directory

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MAILER_")}
        return subprocess.run(
            [sys.executable, "-m", "mailer", *map(str, arguments)],
            cwd=ROOT,
            env={**clean, **self.environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def operator(tmp_path: Path, sqlite_template: Path) -> Operator:
    shutil.copy(sqlite_template, tmp_path / "mailer.db")
    return Operator(tmp_path)


@pytest.fixture
def cleo(operator: Operator) -> Iterator[Cleo]:
    settings = Settings.from_environment(operator.environ)
    app = create_app(settings)
    with app.app_context():
        made = make_cleo(app.test_client())
        keep(settings)
        (operator.directory / "policy.txt").write_text(proofs.policy_text())
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.mark.requirement("T-040")
@pytest.mark.requirement("T-041")
def test_a_bundle_by_address_is_written_noted_and_verified(operator: Operator, cleo: Cleo) -> None:
    out = operator.directory / "proof.zip"
    made = operator.run("bundle", "--contact", "Cleo@example.org", "--list", cleo.letter.public_id, "--out", out)  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"{out}: {out.stat().st_size} bytes.\n"
    checked = operator.run("verify", out, "--policy", operator.directory / "policy.txt")
    assert checked.returncode == 0, checked.stdout
    assert "[  ok  ] Inclusion" in checked.stdout
    db.session.rollback()  # another process has written; look again
    noted = accounts.list_noted(
        cleo.organisation, "took out a proof bundle", since=cleo.contact.created_at
    )
    assert [entry.subject for entry in noted] == [cleo.contact.public_id]


def test_a_bundle_by_public_id_that_the_log_has_not_signed_says_so(
    operator: Operator, cleo: Cleo
) -> None:
    cleo.leave(cleo.letter)
    out = operator.directory / "proof.zip"
    made = operator.run("bundle", "--contact", cleo.contact.public_id, "--list", cleo.letter.public_id, "--out", out)  # fmt: skip
    assert made.returncode == 0
    assert "Not yet anchored" in made.stdout
    assert (
        operator.run("verify", out, "--policy", operator.directory / "policy.txt").returncode == 1
    )


@pytest.mark.requirement("C-103")
def test_the_proof_about_measuring_is_written_and_verified(operator: Operator, cleo: Cleo) -> None:
    for named in ("cleo@example.org", cleo.contact.public_id):
        out = operator.directory / f"{named}.zip"
        made = operator.run("bundle", "--contact", named, "--measuring", "--out", out)
        assert (made.returncode, made.stderr) == (0, "")
        checked = operator.run("verify", out, "--policy", operator.directory / "policy.txt")
        assert checked.returncode == 0, checked.stdout
    nobody = operator.run("bundle", "--contact", "dora@example.org", "--measuring", "--out", operator.directory / "x.zip")  # fmt: skip
    assert (nobody.returncode, "Nobody is known as dora@example.org" in nobody.stderr) == (1, True)
    both = operator.run("bundle", "--contact", "x", "--measuring", "--list", "y", "--out", "z")
    assert both.returncode == 2


def test_what_is_not_there_is_said_in_a_sentence(operator: Operator, cleo: Cleo) -> None:
    out = operator.directory / "proof.zip"
    for contact, mailing_list, words in (
        ("dora@example.org", cleo.letter.public_id, "knows nobody with the address"),
        ("con_none", cleo.letter.public_id, "mailer: "),
        (cleo.contact.public_id, "lst_none", "There is no list lst_none."),
    ):
        answer = operator.run("bundle", "--contact", contact, "--list", mailing_list, "--out", out)
        assert answer.returncode == 1
        assert words in answer.stderr
        assert not out.exists()
    out.write_text("something of mine")
    answer = operator.run("bundle", "--contact", cleo.contact.public_id, "--list", cleo.letter.public_id, "--out", out)  # fmt: skip
    assert "exists already" in answer.stderr
    assert out.read_text() == "something of mine"
