"""The commands, each with the sentence that `--help` shows."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mailer import __version__, witness
from mailer.cli import database, docs, importing, log, proofs, rights, running, team
from mailer.foundation.errors import MailerError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code. Every failure we know is one clear line."""
    given = build_parser().parse_args(arguments)
    os.umask(0o077)  # whatever a command writes holds addresses, keys or proofs
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
    _add_proof(commands)
    _add_rights(commands)
    _add_imports(commands)

    _add_log(commands)

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


def _add_rights(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    erase = commands.add_parser(
        "erase",
        help="erase one person, for good",
        description="Destroys address, answers, evidence and key of one person, mails them a closing receipt "
        "and prints it. Without --records it only says how many records would go.",
    )
    erase.add_argument("--organisation", required=True, help="the organisation's id, org_…")
    erase.add_argument("--contact", required=True, help="the person's id, con_…")
    erase.add_argument(
        "--records", type=int, default=-1, help="how many consent records this destroys"
    )
    erase.set_defaults(run=rights.erase)

    again = commands.add_parser(
        "reapply-erasures",
        help="erase again whoever a restored backup brought back",
        description="Goes through the list of erasures that is kept outside the database, and carries out "
        "again what a restored backup has undone. Workers do the same when they start, and hourly.",
    )
    again.set_defaults(run=rights.reapply)


def _add_imports(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    brought = commands.add_parser(
        "import",
        help="bring people in from another system, or take an import back",
        description="Reads a CSV file into quarantine and says what would happen; without --dry-run it then "
        "does it. With source, date, wording, method and an evidence file a row becomes an imported consent; "
        "without it is locked and not mailed. Opt-outs are never lifted. docs/imports.md says more.",
    )
    importing.add_arguments(brought)
    brought.set_defaults(run=importing.run)


def _add_proof(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bundle = commands.add_parser(
        "bundle",
        help="write the proof of one person and list, or measuring, to a file",
        description="Writes everything recorded about one person and one list, or about measuring, to a "
        "ZIP file that can be checked without this service. It is put on record that the operator took it out.",
    )
    bundle.add_argument("--contact", required=True, help="the person: public id or e-mail address")
    about = bundle.add_mutually_exclusive_group(required=True)
    about.add_argument("--list", help="the list: public id")
    about.add_argument(
        "--measuring", action="store_true", help="the consent to measuring instead of a list"
    )
    bundle.add_argument("--out", required=True, type=Path, help="the file to write; must be new")
    bundle.set_defaults(run=proofs.bundle)

    verify = commands.add_parser(
        "verify",
        help="check a proof bundle, without network and settings",
        description="Checks a bundle against a policy file. Exit status: 0 when everything the policy demands "
        "is verified, 1 when something is not, 2 when the question was put wrongly.",
    )
    verify.add_argument("bundle", type=Path, help="the bundle, a ZIP file")
    verify.add_argument("--policy", type=Path, required=True, help="whom to trust")
    verify.add_argument("--json", action="store_true", help="print the report as JSON")
    verify.set_defaults(run=proofs.verify)


def _add_log(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    kept = commands.add_parser(
        "log",
        help="look at the consent log, repair it after a restore, or change its key",
        description="status: keys, size, newest checkpoint, alarms; exit status 1 when there is an alarm. "
        "repair: after a backup of the database was restored, put back the leaves that were signed since, "
        "from the log keeper's own file, if they lead to the signed root. rotate-key: let a second key sign "
        "too; with --finish forget the old one. Run it on the log keeper's machine, as its user.",
    )
    kept.add_argument("act", choices=("status", "repair", "rotate-key"), help="what to do")
    kept.add_argument(
        "--checkpoint",
        type=Path,
        default=None,
        help="repair: the newest checkpoint anybody has, when the memory of what was signed is gone",
    )
    kept.add_argument("--finish", action="store_true", help="rotate-key: forget the old key")
    kept.set_defaults(run=log.run)

    audited = commands.add_parser(
        "audit",
        help="compute everything again that was promised, and say what does not agree",
        description="Leaves against records, payloads against commitments, tiles, roots, every checkpoint, the "
        "log keeper's files, memberships and deliveries against records. Exit status 1 when anything was "
        "found. The same runs every night.",
    )
    audited.set_defaults(run=log.audit)
