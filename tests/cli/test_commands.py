"""The operators' commands, run as an operator would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from mailer import accounts
from mailer.accounts import Role
from mailer.foundation.database import db
from tests.conftest import environ_for
from tests.support.running import ROOT


class Operator:
    """Somebody with a shell on a fresh machine."""

    def __init__(self, directory: Path) -> None:
        self.environ = environ_for(directory)

    def run(
        self, *arguments: str, given: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MAILER_")}
        return subprocess.run(
            [sys.executable, "-m", "mailer", *arguments],
            cwd=ROOT,
            env={**clean, **self.environ, **environ},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


OWNER = ("--organisation", "Harbour Books", "--name", "Ada", "--address", "ada@example.org")


def test_an_owner_is_made_on_a_fresh_database_and_can_sign_in(operator: Operator) -> None:
    first, second = operator.run("upgrade"), operator.run("upgrade")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "From empty" in first.stdout
    assert "is at" in second.stdout

    made = operator.run("create-owner", *OWNER)

    assert made.returncode == 0
    assert "Password: " in made.stdout
    twice = operator.run("create-owner", *OWNER)
    assert twice.returncode == 1
    assert len(twice.stderr.strip().splitlines()) <= 2


def test_a_password_can_be_given_and_reset(operator: Operator) -> None:
    operator.run("upgrade")
    operator.run("create-owner", *OWNER, given="a first long password\n")
    reset = operator.run("set-password", "--address", "ada@example.org", given="another long one\n")
    assert reset.returncode == 0
    assert "Password" not in reset.stdout
    unknown = operator.run("set-password", "--address", "eve@example.org", given="x" * 20)
    assert unknown.returncode == 1
    assert "Nobody signs in" in unknown.stderr


def test_the_owner_really_is_one(app: Flask, settings: object) -> None:
    directory = Path(str(app.config["SQLALCHEMY_DATABASE_URI"]).removeprefix("sqlite:///")).parent
    operator = Operator(directory)
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])
    made = operator.run(
        "create-owner", *OWNER, given="a first long password\n", MAILER_DATABASE_URL=url
    )
    assert made.returncode == 0, made.stderr
    db.session.rollback()
    account = accounts.find_account("ada@example.org")
    assert account is not None
    ((member, organisation),) = accounts.list_memberships(account)
    assert (member.role, organisation.name) == (Role.OWNER, "Harbour Books")


@pytest.mark.parametrize("secret", ["", "changeme", "secret" * 10, "a" * 40])
def test_production_refuses_to_start_with_a_missing_or_default_secret(
    operator: Operator, secret: str
) -> None:
    done = operator.run(
        "settings",
        MAILER_ENVIRONMENT="production",
        MAILER_PUBLIC_URL="https://news.example.org",
        MAILER_ADMIN_URL="https://mailer.example.org",
        MAILER_SECRET_KEYS=secret,
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "MAILER_SECRET_KEYS" in line


def test_settings_are_shown_without_secrets(operator: Operator) -> None:
    done = operator.run("settings")
    assert done.returncode == 0
    assert "MAILER_SMTP_PORT=1025" in done.stdout
    for name in ("MAILER_SECRET_KEYS", "MAILER_ENCRYPTION_KEYS", "MAILER_ADDRESS_PEPPER"):
        assert operator.environ[name] not in done.stdout


@pytest.mark.parametrize("command", ["run", "upgrade", "create-owner", "set-password", "settings"])
def test_every_command_explains_itself(operator: Operator, command: str) -> None:
    done = operator.run(command, "--help")
    assert done.returncode == 0
    assert "usage: python -m mailer" in done.stdout


def test_an_unknown_command_says_what_there_is(operator: Operator) -> None:
    done = operator.run("frobnicate")
    assert done.returncode == 2
    assert "create-owner" in done.stderr
