"""The commands, each with the sentence that `--help` shows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mailer import __version__, witness
from mailer.cli import database, docs, running, team
from mailer.foundation.errors import MailerError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code. Every failure we know is one clear line."""
    given = build_parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except MailerError as error:
        sys.stderr.write(f"mailer: {error}\n")
        for field, message in getattr(error, "fields", {}).items():
            sys.stderr.write(f"  {field}: {message}\n")
        return 1


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m mailer",
        description="Mailer: double-opt-in e-mail marketing whose consent can be proven. "
        "Settings come from the environment; docs/settings.md lists them.",
    )
    parser.add_argument("--version", action="version", version=f"mailer {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="start everything on this machine, with demo data: for trying and developing",
        description="Starts web, workers, clock, an embedded Redis, SQLite, a mail catcher and a demo "
        "website under one supervisor, and prints their addresses. Ctrl-C stops everything; what was "
        "stored stays in the data directory.",
    )
    run.add_argument("--data", type=Path, default=None, help="the data directory (default: var)")
    run.set_defaults(run=running.run)

    upgrade = commands.add_parser("upgrade", help="bring the database to the newest version")
    upgrade.set_defaults(run=database.upgrade)

    _add_people(commands)

    check = commands.add_parser(
        "settings", help="check the configuration and show it, secrets left out"
    )
    check.set_defaults(run=docs.show_settings)

    watch = commands.add_parser(
        "witness",
        help="watch logs of others and cosign them as long as they only grow",
        description="Runs a witness (C2SP tlog-witness): it makes its key on the first start, prints it, and "
        "cosigns checkpoints of the logs given. Run it on a machine that the log's operator does not "
        "control. Needs no settings, no database and no Redis; docs/anchors.md says more.",
    )
    witness.add_arguments(watch)
    watch.set_defaults(run=witness.run)

    pages = commands.add_parser("docs", help="write the pages that are generated from the code")
    pages.add_argument("--check", action="store_true", help="only say whether they are up to date")
    pages.set_defaults(run=docs.write, parser=parser, commands=commands.choices)

    return parser


def _add_people(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    owner = commands.add_parser(
        "create-owner",
        help="make an organisation and its first team member",
        description="Makes an organisation and an owner who can sign in; the password is read from "
        "standard input, or made up and printed when nothing is given there.",
    )
    owner.add_argument("--organisation", required=True, help="the organisation's name")
    owner.add_argument("--name", required=True, help="the person's name")
    owner.add_argument("--address", required=True, help="the e-mail address to sign in with")
    owner.set_defaults(run=team.create_owner)

    password = commands.add_parser(
        "set-password",
        help="give somebody who forgot theirs a new password",
        description="The new password is read from standard input, or made up and printed when nothing "
        "is given there. All sessions of the account end.",
    )
    password.add_argument("--address", required=True, help="the e-mail address they sign in with")
    password.set_defaults(run=team.set_password)
