"""Commands about imports: a dry run, an import, its undoing; each shows how far it is."""

from __future__ import annotations

import argparse
import getpass
from dataclasses import replace
from pathlib import Path

from mailer import accounts, imports, lists, organisations
from mailer.app import create_app
from mailer.cli.progress import ProgressBar
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotFound
from mailer.foundation.settings import Settings
from mailer.imports import (
    SEPARATORS,
    SYSTEMS,
    ColumnMapping,
    DateOrder,
    Evidence,
    FileGiven,
    Import,
    ImportState,
)
from mailer.lists import MailingList
from mailer.organisations import Organisation

_TITLES = {
    ImportState.READING: "Dry run",
    ImportState.IMPORTING: "Importing",
    ImportState.UNDOING: "Undoing",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `import` takes."""
    parser.add_argument(
        "file", type=Path, nargs="?", help="a CSV file, columns named in its first line"
    )
    parser.add_argument("--list", help="the list people are brought into: public id")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("--evidence", type=Path, help="a file that shows the consents")
    parser.add_argument("--source", default="", help="where the consents were given")
    parser.add_argument("--method", default="", help="how they were given")
    parser.add_argument("--date", default="", help="when, if no column says it: 2024-05-31")
    parser.add_argument("--wording", type=Path, help="a text file: the words they agreed to")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=MEANING",
        help="what a column means, where it is not recognised; may be given repeatedly",
    )
    parser.add_argument("--month-first", action="store_true", help="03/04/2024 is the 4th of March")
    parser.add_argument("--opted-out", action="store_true", help="everybody in the file has left")
    parser.add_argument(
        "--encoding", default="", choices=("", *imports.ENCODINGS), help="of the file"
    )
    parser.add_argument(
        "--separator", default="", choices=("", *SEPARATORS.values()), help="of columns"
    )
    parser.add_argument("--refused", type=Path, help="write refused rows and reasons to this file")
    parser.add_argument("--undo", metavar="IMPORT", help="take an import back: its public id")


def run(given: argparse.Namespace) -> int:
    """Import a file, or only say what would happen, or take an import back."""
    with create_app(Settings.from_environment()).app_context():
        if given.undo:
            return _undo(given.undo)
        if given.file is None or given.list is None:
            raise Invalid("Give a FILE and --list, or --undo with the id of an import.")
        if given.refused is not None and given.refused.exists():
            raise Invalid(f"{given.refused} exists already; it is not overwritten.")
        return _import(given)


def _import(given: argparse.Namespace) -> int:
    mailing_list = _list(given.list)
    if not given.file.is_file():
        raise NotFound(f"There is no file {given.file}.")
    evidence = _evidence(given.evidence)
    with given.file.open("rb") as content, unit_of_work():
        found = imports.create_import(
            mailing_list,
            FileGiven(
                name=given.file.name,
                content=content,
                importer=f"operator {getpass.getuser()}",
                encoding=given.encoding,
                separator=_mark(given.separator),
            ),
        )
        imports.check(found, replace(_mapping(given, found), evidence=evidence))
        accounts.note(_organisation(found), None, "brought a file to import", found.public_id)
    system = SYSTEMS[found.system].name if found.system else "no system that is known"
    print(f"{found.public_id}: {given.file.name}, as {system} writes it.")
    found = _work(found)
    _print_counts(found)
    if given.refused is not None:
        with given.refused.open("w", encoding="utf-8", newline="") as file:
            file.writelines(imports.iter_refused_csv(found))
    if given.dry_run or found.failure:
        with unit_of_work():
            imports.discard(_again(found))
        print(found.failure or "Nothing was changed.")
        return 1 if found.failure else 0
    with unit_of_work():
        imports.start(_again(found))
        accounts.note(_organisation(found), None, "started an import", found.public_id)
    found = _work(found)
    _print_counts(found)
    if found.inform_by is not None:
        print(
            f"Inform people by {found.inform_by:%Y-%m-%d} (Art. 14 GDPR). Undo: --undo {found.public_id}"
        )
    return 0


def _undo(public_id: str) -> int:
    found = _import_of(public_id)
    with unit_of_work():
        imports.undo(_again(found))
        accounts.note(_organisation(found), None, "undid an import", public_id)
    _print_counts(_work(found))
    return 0


def _work(found: Import) -> Import:
    """Every slice, here and now; a worker that takes turns does no harm."""
    title = _TITLES.get(found.state, "")
    bar = ProgressBar(title or "Working")
    while True:
        current = _again(found)
        if title == "" and current.state in _TITLES:
            bar.title = title = _TITLES[current.state]
        progress = imports.progress_of(current)
        if current.state in imports.WORKING:
            bar.show(progress.done, max(progress.total, 1))
        with unit_of_work():
            if not imports.advance(found.public_id):
                break
    bar.show(1, 1)
    bar.end()
    return _again(found)


def _print_counts(found: Import) -> None:
    print(f"{found.rows_read:>10,} rows read")
    for key, count in sorted(found.counts.items()):
        state, _, refusal = key.partition(".")
        if refusal:
            print(f"{count:>10,}   {imports.REASONS[imports.Refusal(refusal)]}")
        else:
            print(f"{count:>10,} {state.replace('_', ' ')}")


def _mapping(given: argparse.Namespace, found: Import) -> ColumnMapping:
    targets = list(found.targets)
    for pair in given.column:
        name, _, meaning = pair.rpartition("=")
        if name not in found.header:
            raise Invalid(f"There is no column {name!r}. There are: {', '.join(found.header)}.")
        known = [target.value for target in imports.Target]
        if meaning not in known:
            raise Invalid(f"{meaning!r} is no meaning of a column. There are: {', '.join(known)}.")
        targets[found.header.index(name)] = meaning
    return ColumnMapping(
        targets=targets,
        date_order=DateOrder.MONTH_FIRST if given.month_first else DateOrder.DAY_FIRST,
        source=given.source,
        method=given.method,
        date=given.date,
        wording=_text(given.wording),
        all_opted_out=given.opted_out or found.all_opted_out,
    )


def _evidence(path: Path | None) -> Evidence | None:
    if path is None:
        return None
    try:
        return Evidence(name=path.name, body=path.read_bytes())
    except OSError as error:
        raise NotFound(f"The evidence file cannot be read: {error}.") from None


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise NotFound(f"The file with the wording cannot be read: {error}.") from None


def _mark(name: str) -> str:
    return next((mark for mark, word in SEPARATORS.items() if word == name), "")


def _list(public_id: str) -> MailingList:
    for organisation in organisations.list_organisations():
        for mailing_list in lists.list_lists(organisation, with_archived=True):
            if mailing_list.public_id == public_id:
                return mailing_list
    raise NotFound(f"There is no list {public_id}.")


def _import_of(public_id: str) -> Import:
    for organisation in organisations.list_organisations():
        try:
            return imports.get_import(organisation, public_id)
        except NotFound:
            continue
    raise NotFound(f"There is no import {public_id}.")


def _organisation(found: Import) -> Organisation:
    return organisations.get_organisation_by_id(found.organisation_id)


def _again(found: Import) -> Import:
    return imports.get_import(_organisation(found), found.public_id)
