"""Files to import, and the steps of an import without a worker process."""

from __future__ import annotations

from io import BytesIO

import sqlalchemy as sa

from mailer import imports
from mailer.foundation.database import db, unit_of_work
from mailer.imports import ColumnMapping, Evidence, FileGiven, Import, ImportRow, RowState
from mailer.jobs.importing import advance_once
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id

WORDING = "Yes, send me the monthly letter."
EVIDENCE = Evidence(name="consents.pdf", body=b"%PDF-1.7 the log of the form", media_type="x/pdf")
PROVEN = {
    "source": "form on shop.example",
    "method": "double opt-in by e-mail",
    "wording": WORDING,
    "date": "2024-05-31",
}


def csv_of(*rows: str, header: str = "email,name") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def bring(mailing_list: MailingList, body: bytes, *, name: str = "people.csv") -> Import:
    """A file that is kept, with what its columns probably mean."""
    with unit_of_work():
        given = FileGiven(name=name, content=BytesIO(body), importer="Ada (ada@books.example)")
        return imports.create_import(mailing_list, given)


def check(found: Import, *, evidence: Evidence | None = None, **given: str) -> Import:
    """The dry run to its end; whoever it finds is in quarantine."""
    with unit_of_work():
        now_found = again(found)
        imports.check(now_found, mapping_of(now_found, evidence, **given))
    return work(found)


def mapping_of(found: Import, evidence: Evidence | None = None, **given: str) -> ColumnMapping:
    """What is proposed for the columns, and what is said of all rows, such as PROVEN."""
    return ColumnMapping(
        targets=found.targets,
        evidence=evidence,
        all_opted_out=found.all_opted_out,
        source=given.get("source", ""),
        method=given.get("method", ""),
        wording=given.get("wording", ""),
        date=given.get("date", ""),
    )


def start(found: Import) -> Import:
    """Bring in what the dry run found, to its end."""
    with unit_of_work():
        imports.start(again(found))
    return work(found)


def bring_in(mailing_list: MailingList, body: bytes, *, is_proven: bool = True) -> Import:
    """A whole import, with a proof for everybody or for nobody."""
    found = bring(mailing_list, body)
    if is_proven:
        check(found, evidence=EVIDENCE, **PROVEN)
    else:
        check(found)
    return start(found)


def undo(found: Import) -> Import:
    with unit_of_work():
        imports.undo(again(found))
    return work(found)


def work(found: Import) -> Import:
    """Every slice there is to do."""
    while advance_once(found.public_id):
        pass
    return again(found)


def again(found: Import) -> Import:
    """The import as it stands now."""
    organisation = get_organisation_by_id(found.organisation_id)
    current = imports.get_import(organisation, found.public_id)
    db.session.refresh(current)
    return current


def rows_of(found: Import, state: RowState | None = None) -> list[ImportRow]:
    query = sa.select(ImportRow).where(ImportRow.import_id == found.id).order_by(ImportRow.line)
    if state is not None:
        query = query.where(ImportRow.state == state)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def refusals_of(found: Import) -> dict[int, str]:
    """The reason of each refused row, as its word, by line."""
    return {row.line: str(row.refusal) for row in rows_of(found, RowState.REFUSED)}
