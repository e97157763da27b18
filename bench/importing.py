"""Importing people: rows a second in the dry run and in the import, and what memory does meanwhile."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures import Sheet
from bench.places import Ground, Place, application, environ_for
from mailer import imports
from mailer.foundation import schema
from mailer.foundation.database import db, unit_of_work
from mailer.imports import ColumnMapping, Evidence, FileGiven, Import
from mailer.jobs.importing import advance_once
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id
from tests.support.factories import make_list, make_organisation

HEADER = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CONFIRM_IP,LEID,EUID"
)
DOMAINS = 5_000
SMALLER = 10  # further databases get a tenth: the first shows what memory does
MEGABYTE = 1024 * 1024


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add rates and memory for each kind of database."""
    for number, place in enumerate(ground.places):
        rows = ground.sizes.imported_rows // (SMALLER if number else 1)
        _measure(ground, sheet, place, rows)
    sheet.close_group()
    sheet.notes.append(
        f"importing: {ground.sizes.imported_rows:,} rows as Mailchimp writes them, each with a proof "
        "(a tenth of them on PostgreSQL); every row becomes a contact, a key, a sealed record and a "
        "membership. Memory is that of the whole process, when a tenth is done and at the end."
    )


def _measure(ground: Ground, sheet: Sheet, place: Place, rows: int) -> None:
    directory = ground.new_directory()
    file = directory / "people.csv"
    with file.open("w", encoding="utf-8") as written:
        written.writelines(_lines(rows))
    with place.database(directory) as url:
        environ = environ_for(directory, MAILER_DATABASE_URL=url, MAILER_IMPORT_MEGABYTES="4096")
        with application(environ):
            schema.upgrade()
            found = _begin(make_list(make_organisation()), file)
            name = f"importing, {place.name}"
            _run(sheet, f"{name}: dry run", found, rows, lambda one: one.rows_read)
            with unit_of_work():
                imports.start(_again(found))
            _run(sheet, f"{name}: import", found, rows, _brought)
            count = _brought(_again(found))
            if count != rows:
                raise RuntimeError(f"{count} of {rows} people were imported")


def _run(sheet: Sheet, name: str, found: Import, rows: int, done: Callable[[Import], int]) -> None:
    began, at_a_tenth = time.perf_counter(), 0.0
    while advance_once(found.public_id):
        if not at_a_tenth and done(_again(found)) * 10 >= rows:
            at_a_tenth = _memory()
    sheet.add(name, "rows/s", rows / (time.perf_counter() - began))
    sheet.add(f"{name}, memory at a tenth", "MB", at_a_tenth or _memory())
    sheet.add(f"{name}, memory at the end", "MB", _memory())


def _begin(mailing_list: MailingList, file: Path) -> Import:
    with file.open("rb") as content, unit_of_work():
        given = FileGiven(name="subscribed.csv", content=content, importer="a measurement")
        found = imports.create_import(mailing_list, given)
        imports.check(
            found,
            ColumnMapping(
                targets=found.targets,
                source="form on shop.example",
                method="double opt-in",
                wording="Yes, send me the monthly letter.",
                evidence=Evidence(name="log.txt", body=b"the log of the form"),
            ),
        )
    return found


def _lines(rows: int) -> Iterator[str]:
    yield f"{HEADER}\n"
    for number in range(rows):
        yield (
            f"person{number}@shop{number % DOMAINS}.example.org,Pat,Marsh,2,2021-03-04 10:20:30,"
            f"2021-03-04 10:25:30,192.0.2.{number % 250},{number},e{number}\n"
        )


def _again(found: Import) -> Import:
    organisation = get_organisation_by_id(found.organisation_id)
    current = imports.get_import(organisation, found.public_id)
    db.session.refresh(current)
    return current


def _brought(found: Import) -> int:
    return imports.count_in(found, imports.RowState.IMPORTED)


def _memory() -> float:
    """What this process holds, in megabytes; its most so far where that cannot be told."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / MEGABYTE
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MEGABYTE if sys.platform == "darwin" else most / 1024
