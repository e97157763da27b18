"""Imports: a file from another system, what its columns mean, the dry run, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, imports, lists
from mailer.accounts import Right
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.imports import (
    ENCODINGS,
    SEPARATORS,
    SYSTEMS,
    TARGET_WORDS,
    ColumnMapping,
    DateOrder,
    Evidence,
    FileGiven,
    Import,
    ImportState,
    RowState,
)
from mailer.lists import MailingList
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.people import cursor_of_request
from mailer.web.responses import see_other

P = ParamSpec("P")
MEGABYTE = 1024 * 1024
SHOWN_REFUSALS = 50
SHOWN_LENGTH = 60

STATES: dict[ImportState, tuple[str, str]] = {
    ImportState.MAPPING: ("waiting", "columns to be named"),
    ImportState.READING: ("waiting", "dry run under way"),
    ImportState.CHECKED: ("waiting", "dry run done, nobody imported"),
    ImportState.IMPORTING: ("waiting", "being imported"),
    ImportState.DONE: ("proven", "imported"),
    ImportState.UNDOING: ("waiting", "being undone"),
    ImportState.UNDONE: ("withdrawn", "undone"),
    ImportState.EXPIRED: ("withdrawn", "given up"),
}
_R = RowState
ROW_WORDS: dict[RowState, tuple[str, str]] = {
    _R.PROVEN: ("proven", "with proof, to be subscribed"),
    _R.UNPROVEN: ("held", "without proof, to be locked"),
    _R.OPTED_OUT: ("withdrawn", "opted out, not to be mailed"),
    _R.IMPORTED: ("proven", "imported consent, subscribed"),
    _R.CONFIRMED: ("proven", "permission given, subscribed"),
    _R.KNOWN: ("proven", "subscribed here already"),
    _R.LOCKED: ("held", "locked, no proof"),
    _R.ASKED: ("waiting", "asked for permission"),
    _R.SUPPRESSED: ("withdrawn", "opted out, not mailed"),
    _R.DISPUTED: ("refused", "said: do not write to me"),
    _R.REFUSED: ("refused", "refused"),
    _R.EXPIRED: ("withdrawn", "not confirmed, erased"),
    _R.UNDONE: ("withdrawn", "undone"),
    _R.KEPT: ("uncertain", "kept by the undo"),
}
COLUMNS_OPEN = (ImportState.MAPPING, ImportState.CHECKED)


def takes_files(
    view: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Let a request be as large as an imported file may be; stands before `needs`."""

    @wraps(view)
    def larger(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        known = settings()
        most = max(known.import_megabytes, known.import_evidence_megabytes)
        request.max_content_length = (most + 2) * MEGABYTE
        return view(*args, **kwargs)

    return larger


@bp.get("/imports/", endpoint="imports")
@needs(Right.IMPORT)
def all_imports() -> ResponseReturnValue:
    """Every import, newest first."""
    page = imports.list_imports(signed_in().organisation, cursor_of_request())
    rows = [(found, STATES[found.state], _list_name(found)) for found in page.rows]
    return render_template(
        "admin/imports/list.html",
        rows=rows,
        older_url=page.older and url_for(".imports", older=page.older),
        newer_url=page.newer and url_for(".imports", newer=page.newer),
    )


@bp.get("/imports/new")
@needs(Right.IMPORT)
def new_import() -> ResponseReturnValue:
    """Which file, and into which list."""
    return _new_page({}, {})


@bp.post("/imports/new")
@takes_files
@needs(Right.IMPORT)
def create_import() -> ResponseReturnValue:
    """Keep the file; nothing of it is read but its first lines."""
    me = signed_in()
    try:
        given = _file_given()
        with unit_of_work():
            found = imports.create_import(_list_chosen(), given)
            accounts.note(me.organisation, me.account, "brought a file to import", found.public_id)
    except Invalid as error:
        return _new_page(request.form, error.fields), 422
    return see_other(url_for(".import_page", public_id=found.public_id))


@bp.get("/imports/<public_id>")
@needs(Right.IMPORT)
def import_page(public_id: str) -> ResponseReturnValue:
    """Where an import stands, and what can be done next."""
    found = _found(public_id)
    if found.state is ImportState.MAPPING:
        return _columns_page(found, {}, {})
    return render_template("admin/imports/show.html", **_shown(found))


@bp.get("/imports/<public_id>/progress")
@needs(Right.IMPORT)
def import_progress(public_id: str) -> ResponseReturnValue:
    """The part of the page that moves."""
    shown = _shown(_found(public_id))
    return render_template("admin/imports/_progress.html", is_fragment=True, **shown)


@bp.get("/imports/<public_id>/columns")
@needs(Right.IMPORT)
def import_columns(public_id: str) -> ResponseReturnValue:
    """What the columns mean; can be said again until the import begins."""
    found = _found(public_id)
    if found.state not in COLUMNS_OPEN:
        raise NotAllowed("This import has begun; what its columns mean cannot be changed now.")
    return _columns_page(found, {}, {})


@bp.post("/imports/<public_id>/columns")
@takes_files
@needs(Right.IMPORT)
def check_import(public_id: str) -> ResponseReturnValue:
    """Begin the dry run."""
    found = _found(public_id)
    try:
        with unit_of_work():
            found = _found(public_id)
            imports.check(found, _mapping_given(found))
    except Invalid as error:
        return _columns_page(found, request.form, error.fields), 422
    return see_other(url_for(".import_page", public_id=public_id))


@bp.post("/imports/<public_id>/encoding")
@needs(Right.IMPORT)
def read_import_otherwise(public_id: str) -> ResponseReturnValue:
    """Read the file in another encoding, or with another separator."""
    found = _found(public_id)
    try:
        with unit_of_work():
            found = _found(public_id)
            separator = {name: mark for mark, name in SEPARATORS.items()}
            imports.read_otherwise(
                found,
                request.form.get("encoding", ""),
                separator.get(request.form.get("separator", ""), ""),
            )
    except Invalid as error:
        return _columns_page(found, {}, {"encoding": str(error)}), 422
    words = "The file was read again; please look at the columns."
    return see_other(url_for(".import_columns", public_id=public_id), words)


@bp.get("/imports/<public_id>/refused.csv")
@needs(Right.IMPORT)
def import_refused(public_id: str) -> ResponseReturnValue:
    """Every refused row with its line and reason, as a file that is safe to open in a spreadsheet."""
    found = _found(public_id)
    response = Response(stream_with_context(imports.iter_refused_csv(found)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{public_id}-refused.csv"'
    return response


@bp.get("/imports/<public_id>/evidence")
@needs(Right.IMPORT)
def import_evidence(public_id: str) -> ResponseReturnValue:
    """The evidence file as it was attached, to keep as a file; never shown by the browser itself."""
    response = Response(imports.read_evidence(_found(public_id)))
    response.mimetype = "application/octet-stream"
    response.headers["Content-Disposition"] = f'attachment; filename="{public_id}-evidence"'
    return response


def _found(public_id: str) -> Import:
    return imports.get_import(signed_in().organisation, public_id)


def _list_name(found: Import) -> str:
    return lists.get_list_by_id(found.mailing_list_id).name


def _file_given() -> FileGiven:
    me = signed_in()
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Invalid("No file.", {"file": "Please choose a file."})
    return FileGiven(
        name=upload.filename,
        content=upload.stream,
        importer=f"{me.account.name} ({me.account.address})",
        account=me.account,
        encoding=request.form.get("encoding", ""),
    )


def _list_chosen() -> MailingList:
    chosen = request.form.get("list", "")
    for one in lists.list_lists(signed_in().organisation):
        if one.public_id == chosen:
            return one
    raise Invalid("No list.", {"list": "Please choose a list."})


def _mapping_given(found: Import) -> ColumnMapping:
    form = request.form
    upload = request.files.get("evidence")
    evidence = None
    if upload is not None and upload.filename:
        most = settings().import_evidence_megabytes * MEGABYTE
        evidence = Evidence(
            name=upload.filename,
            body=upload.stream.read(most + 1),
            media_type=upload.mimetype or "application/octet-stream",
        )
    is_us = form.get("date_order") == DateOrder.MONTH_FIRST
    return ColumnMapping(
        targets=[form.get(f"column-{number}", "") for number in range(len(found.header))],
        date_order=DateOrder.MONTH_FIRST if is_us else DateOrder.DAY_FIRST,
        source=form.get("source", ""),
        method=form.get("method", ""),
        wording=form.get("wording", ""),
        date=form.get("date", ""),
        all_opted_out=bool(form.get("all_opted_out")),
        evidence=evidence,
    )


def _new_page(given: Mapping[str, str], errors: Mapping[str, str]) -> str:
    open_lists = lists.list_lists(signed_in().organisation)
    return render_template(
        "admin/imports/new.html",
        given=given,
        errors=errors,
        lists=[(one.public_id, one.name) for one in open_lists],
        encodings=list(ENCODINGS.items()),
        megabytes=settings().import_megabytes,
    )


def _columns_page(found: Import, form: Mapping[str, str], errors: Mapping[str, str]) -> str:
    sample = imports.sample_rows(found)
    columns = [
        {
            "name": header or f"column {number + 1}",
            "samples": [_short(row[number]) for row in sample if len(row) > number and row[number]],
            "target": form.get(f"column-{number}", found.targets[number]),
        }
        for number, header in enumerate(found.header)
    ]
    given = form or {
        "source": found.source,
        "method": found.method,
        "wording": found.wording,
        "date": found.consent_date,
        "date_order": found.date_order,
        "all_opted_out": "yes" if found.all_opted_out else "",
    }
    return render_template(
        "admin/imports/columns.html",
        found=found,
        list_name=_list_name(found),
        columns=columns,
        targets=[(target.value, word) for target, word in TARGET_WORDS.items()],
        system=SYSTEMS[found.system].name if found.system else "",
        given=given,
        errors=errors,
        encodings=list(ENCODINGS.items()),
        separators=[(name, name) for name in SEPARATORS.values()],
        separator=SEPARATORS.get(found.separator, ""),
        evidence_megabytes=settings().import_evidence_megabytes,
    )


def _shown(found: Import) -> dict[str, Any]:
    progress = imports.progress_of(found)
    parts = [
        (*ROW_WORDS[state], imports.count_in(found, state))
        for state in ROW_WORDS
        if imports.count_in(found, state)
    ]
    reasons = [
        (imports.REASONS[imports.Refusal(key.partition(".")[2])], count)
        for key, count in found.counts.items()
        if key.startswith("refused.")
    ]
    is_over = found.state not in imports.WORKING and not found.is_asking
    told = imports.count_in(found, _R.ASKED, _R.CONFIRMED, _R.DISPUTED)
    return {
        "found": found,
        "state": STATES[found.state],
        "list_name": _list_name(found),
        "progress": progress,
        "percent": int(progress.share * 100),
        "parts": parts,
        "reasons": sorted(reasons, key=lambda pair: -pair[1]),
        "refused": imports.list_refused(found, limit=SHOWN_REFUSALS) if is_over else [],
        "corrected": imports.list_corrected(found, limit=SHOWN_REFUSALS) if is_over else [],
        "is_over": is_over,
        "people": imports.count_in(found, _R.PROVEN, _R.UNPROVEN, _R.OPTED_OUT),
        "locked": imports.count_in(found, _R.LOCKED),
        "imported": imports.count_in(found, _R.IMPORTED),
        "undoable": imports.count_in(found, _R.IMPORTED, _R.LOCKED, _R.ASKED, _R.SUPPRESSED),
        "told": told,
        "mails_per_hour": settings().import_mails_per_hour,
        "permission_days": settings().import_permission_days,
        "system": SYSTEMS[found.system].name if found.system else "",
    }


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"
