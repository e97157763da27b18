"""The verbs of an import: take a file, map its columns, check, start, ask, undo, discard; its next slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import islice

import sqlalchemy as sa

from mailer import consent, organisations
from mailer.accounts import Account
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db, record
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.foundation.events import Event
from mailer.foundation.ids import new_id
from mailer.imports import files
from mailer.imports.columns import Target, is_file_of_opt_outs, propose, recognise
from mailer.imports.csv_reader import (
    ENCODINGS,
    SEPARATORS,
    Dialect,
    Source,
    bom_length,
    detect,
    iter_lines,
)
from mailer.imports.dates import EARLIEST, DateOrder, read_date
from mailer.imports.dry_run import read_slice
from mailer.imports.importing import import_slice, month_after
from mailer.imports.models import Import
from mailer.imports.row_reader import LONGEST_WORDING, clean
from mailer.imports.states import QUARANTINED, WORKING, ImportState, RowState
from mailer.imports.undoing import undo_slice
from mailer.lists import MailingList, get_list_by_id
from mailer.organisations import get_organisation_by_id

MOST_COLUMNS = 300
SAMPLE_ROWS = 3
MOST_BEFORE_HEADER = 1_000  # lines that are looked at for the one that names the columns
_T = Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that shows the consents of an import, as somebody attached it."""

    name: str
    body: bytes
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGiven:
    """A file to import and who brings it; encoding and separator are detected when empty."""

    name: str
    content: Source
    importer: str
    account: Account | None = None
    encoding: str = ""
    separator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """What the columns of a file mean, and what holds for all of its rows where no column says it."""

    targets: Sequence[str]
    date_order: DateOrder = DateOrder.DAY_FIRST
    source: str = ""
    method: str = ""
    wording: str = ""
    date: str = ""
    all_opted_out: bool = False
    evidence: Evidence | None = None


def create_import(mailing_list: MailingList, given: FileGiven) -> Import:
    """Keep a file for an import into `mailing_list` and propose what its columns mean; nothing is read yet.

    Raises Invalid when it cannot be a file of people, NotAllowed for an archived list.
    """
    _require_open(mailing_list)
    name = new_id("imp")
    kept = files.keep(name, given.content)
    try:
        found = Import(
            public_id=name,
            organisation_id=mailing_list.organisation_id,
            mailing_list_id=mailing_list.id,
            account_id=given.account.id if given.account else None,
            importer=given.importer[:300],
            state=ImportState.MAPPING,
            file_name=_plain_file_name(given.name),
            file_sha256=kept.sha256,
            file_bytes=kept.size,
            sealed_key=kept.sealed_key,
            expires_at=now() + timedelta(days=settings().import_days),
            counts={},
        )
        _read_header(found, kept.sample, given.encoding, given.separator)
        found.all_opted_out = is_file_of_opt_outs(found.file_name, found.system)
        db.session.add(found)
        db.session.flush()
    except BaseException:
        files.remove(name)
        raise
    return found


def read_otherwise(found: Import, encoding: str, separator: str) -> None:
    """Read the first line in another encoding or with another separator; what columns mean is proposed anew."""
    if found.state not in (ImportState.MAPPING, ImportState.CHECKED):
        raise NotAllowed("This import has gone on; its file cannot be read in another way now.")
    _read_header(found, _sample(found), encoding, separator)
    found.state = ImportState.MAPPING
    db.session.flush()


def check(found: Import, mapping: ColumnMapping) -> None:
    """Begin the dry run: every row is read and kept in quarantine, and nothing else happens.

    Raises Invalid with what is wrong with the mapping, NotAllowed once the import has begun.
    """
    if found.state not in (ImportState.MAPPING, ImportState.CHECKED):
        raise NotAllowed("This import has begun; what its columns mean cannot be changed now.")
    _require_fitting(found, mapping)
    found.targets = list(mapping.targets)
    found.date_order = mapping.date_order.value
    found.source, found.method = clean(mapping.source)[:500], clean(mapping.method)[:500]
    found.wording = mapping.wording.replace("\r\n", "\n").strip()
    found.consent_date = mapping.date.strip()
    found.all_opted_out = mapping.all_opted_out
    if mapping.evidence is not None:
        _attach(found, mapping.evidence)
    targets = found.targets
    _read_header(found, _sample(found), found.encoding, found.separator)
    found.targets = targets
    found.rows_read, found.counts, found.failure = 0, {}, ""
    found.state = ImportState.READING
    db.session.flush()
    record(ImportStarted(found.id))


def start(found: Import) -> None:
    """Bring in what the dry run found good. Raises NotAllowed before its end and for an archived list."""
    if found.state is not ImportState.CHECKED:
        raise NotAllowed("Only a file whose dry run is done can be imported.")
    if found.failure:
        raise NotAllowed(found.failure)
    if not any(found.counts.get(state.value) for state in QUARANTINED):
        raise NotAllowed("There is nobody to import in this file.")
    _require_open(get_list_by_id(found.mailing_list_id))
    found.state = ImportState.IMPORTING
    found.imported_at = now()
    found.inform_by = month_after(found.imported_at)
    found.expires_at = now() + timedelta(days=settings().import_days)
    db.session.flush()
    if any(found.counts.get(state.value) for state in (RowState.PROVEN, RowState.UNPROVEN)):
        _tell_the_source(found)
    record(ImportStarted(found.id))


def _tell_the_source(found: Import) -> None:
    """Have the privacy notice say where the people come from, before anybody is mailed (Art. 14(2)(f))."""
    organisation = get_organisation_by_id(found.organisation_id)
    organisations.note_address_source(organisation, found.source)
    if not organisations.missing_identity(organisation):
        consent.publish_notice(organisation)


def ask(found: Import) -> None:
    """Let the permission mails go out: one each, so many an hour. Raises NotAllowed when nobody is locked."""
    if found.state is not ImportState.DONE or not found.counts.get(RowState.LOCKED.value):
        raise NotAllowed("There is nobody to ask for permission.")
    _require_open(get_list_by_id(found.mailing_list_id))
    found.is_asking = True
    db.session.flush()
    record(ImportStarted(found.id))


def stop_asking(found: Import) -> None:
    """Let no further permission mail go out; what went out stays valid."""
    found.is_asking = False
    db.session.flush()


def undo(found: Import) -> None:
    """Take back what the import brought, where nothing else has happened since. Raises NotAllowed."""
    if found.state is not ImportState.DONE:
        raise NotAllowed("Only an import that is done can be undone.")
    found.state = ImportState.UNDOING
    found.is_asking = False
    db.session.flush()
    record(ImportStarted(found.id))


def discard(found: Import) -> None:
    """Give up a file before it is imported; its rows are erased by the clock, the file at once."""
    if found.state not in (ImportState.MAPPING, ImportState.READING, ImportState.CHECKED):
        raise NotAllowed("This import has begun; it can be undone once it is done.")
    found.state = ImportState.EXPIRED
    found.expires_at = now()
    found.sealed_key = None
    db.session.flush()
    files.remove(found.public_id)


def sample_rows(found: Import, *, count: int = SAMPLE_ROWS) -> list[list[str]]:
    """The first rows of the file, to recognise its columns by."""
    rows: list[list[str]] = []
    if found.sealed_key is None:
        return rows
    sample = _sample(found)
    dialect = Dialect(found.encoding, found.separator)
    start = bom_length(sample)
    lines = iter_lines(BytesIO(sample[start:]), dialect, offset=start)
    for line in islice(lines, MOST_BEFORE_HEADER):
        if line.problem is None and not line.is_empty:
            rows.append(line.cells)
        if len(rows) > count:
            break
    return rows[1:]


def _read_header(found: Import, sample: bytes, encoding: str, separator: str) -> None:
    detected = detect(sample)
    dialect = Dialect(
        encoding if encoding in ENCODINGS else detected.encoding,
        separator if separator in SEPARATORS else detected.separator,
    )
    start = bom_length(sample)
    source = BytesIO(sample[start:])
    lines = islice(iter_lines(source, dialect, offset=start), MOST_BEFORE_HEADER)
    first = next((line for line in lines if not line.is_empty), None)
    if first is None or first.problem is not None:
        raise Invalid(
            "The first line cannot be read. It has to name the columns; perhaps another encoding helps.",
            {"file": "The first line of this file cannot be read. It has to name the columns."},
        )
    header = [clean(cell)[:200] for cell in first.cells]
    if len(header) > MOST_COLUMNS:
        raise Invalid(
            "The file has too many columns.",
            {"file": f"Please use at most {MOST_COLUMNS} columns."},
        )
    found.encoding, found.separator = dialect.encoding, dialect.separator
    found.header = header
    found.system = recognise(header)
    found.targets = propose(header, found.system)
    found.offset, found.line = first.next_offset, first.next_line


def _sample(found: Import) -> bytes:
    parts, size = [], 0
    with files.SealedReader(found.public_id, found.sealed_key or b"") as source:
        while size < files.SAMPLE and (piece := source.read(files.PIECE)):
            parts.append(piece)
            size += len(piece)
    return b"".join(parts)


def _require_fitting(found: Import, mapping: ColumnMapping) -> None:
    errors: dict[str, str] = {}
    known = {target.value for target in Target}
    if len(mapping.targets) != len(found.header) or not set(mapping.targets) <= known:
        errors["targets"] = "Please say of every column what it means."
    elif list(mapping.targets).count(Target.ADDRESS) != 1:
        errors["targets"] = "Please say of exactly one column that it holds the e-mail address."
    if mapping.date.strip():
        moment = read_date(mapping.date, mapping.date_order)
        if moment is None or not EARLIEST <= moment <= now():
            errors["date"] = "Please give a day that is over, such as 2024-05-31."
    if len(mapping.wording) > LONGEST_WORDING:
        errors["wording"] = f"Please use at most {LONGEST_WORDING} characters."
    if mapping.evidence is not None:
        most = settings().import_evidence_megabytes
        if not mapping.evidence.body:
            errors["evidence"] = "This file is empty."
        elif len(mapping.evidence.body) > most * 1024 * 1024:
            errors["evidence"] = f"Please attach a file of at most {most} MB."
    if errors:
        raise Invalid("Please correct what is marked below.", errors)


def _attach(found: Import, evidence: Evidence) -> None:
    """Keep the evidence once, under a key of the import's own; every record names its hash."""
    if found.evidence_subject_id is None:
        subject = consent.create_subject(get_organisation_by_id(found.organisation_id))
        found.evidence_subject_id = subject.id
    else:
        subject = consent.get_subject(found.evidence_subject_id)
    found.evidence_sha256 = consent.put_blob(subject, evidence.body, evidence.media_type[:80])
    found.evidence_name = _plain_file_name(evidence.name)


def _require_open(mailing_list: MailingList) -> None:
    if mailing_list.archived_at is not None:
        raise NotAllowed("This list is archived: nobody can be brought into it.")


def _plain_file_name(name: str) -> str:
    return clean(name.replace("\\", "/").rpartition("/")[2])[:200] or "file"


@dataclass(frozen=True, slots=True)
class ImportStarted(Event):
    """Rows of an import wait to be read, imported or undone."""

    import_id: int


def has_work() -> bool:
    """Whether any import waits for a slice, or for its permission mails."""
    waits = sa.or_(Import.state.in_(WORKING), Import.is_asking)
    return bool(db.session.scalar(sa.select(sa.exists().where(waits))))


def advance(public_id: str | None = None) -> bool:
    """Do one slice of the oldest import that is being read, imported or undone, or of the one named.

    False when there is none. Two workers take turns and never do the same slice.
    """
    query = sa.select(Import).where(Import.state.in_(WORKING)).order_by(Import.id).limit(1)
    if public_id is not None:
        query = query.where(Import.public_id == public_id)
    found = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None or found.state not in WORKING:
        return False
    if found.state is ImportState.READING:
        read_slice(found)
    elif found.state is ImportState.IMPORTING:
        import_slice(found)
    else:
        undo_slice(found)
    return True
