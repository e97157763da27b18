"""What is done to an import: start it, ask for permission, undo it, give it up."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, imports
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.imports import Import, RowState
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other

_R = RowState


@bp.post("/imports/<public_id>/start")
@needs(Right.IMPORT)
def start_import(public_id: str) -> ResponseReturnValue:
    """Bring in what the dry run found good, once the number of people was repeated."""
    found = _found(public_id)
    count = imports.count_in(found, _R.PROVEN, _R.UNPROVEN, _R.OPTED_OUT)
    if not _is_repeated(count):
        return _back(public_id, f"Nothing was imported: please type {count}, the number of people.")
    with unit_of_work():
        imports.start(_found(public_id))
        _note("started an import", public_id, people=count)
    return _back(public_id)


@bp.post("/imports/<public_id>/ask")
@needs(Right.IMPORT)
def ask_for_permission(public_id: str) -> ResponseReturnValue:
    """Let one permission mail go to everybody who is locked, once their number was repeated."""
    count = imports.count_in(_found(public_id), _R.LOCKED)
    if not _is_repeated(count):
        return _back(public_id, f"Nobody was asked: please type {count}, the number of people.")
    with unit_of_work():
        imports.ask(_found(public_id))
        _note("let permission mails of an import go out", public_id, people=count)
    return _back(public_id)


@bp.post("/imports/<public_id>/stop-asking")
@needs(Right.IMPORT)
def stop_asking(public_id: str) -> ResponseReturnValue:
    """Let no further permission mail go out."""
    with unit_of_work():
        imports.stop_asking(_found(public_id))
        _note("stopped permission mails of an import", public_id)
    return see_other(_page(public_id), "No further permission mail goes out.")


@bp.post("/imports/<public_id>/undo")
@needs(Right.IMPORT)
def undo_import(public_id: str) -> ResponseReturnValue:
    """Take back what the import brought, once the number of rows was repeated."""
    count = imports.count_in(_found(public_id), _R.IMPORTED, _R.LOCKED, _R.ASKED, _R.SUPPRESSED)
    if not _is_repeated(count):
        return _back(public_id, f"Nothing was undone: please type {count}, the number of rows.")
    with unit_of_work():
        imports.undo(_found(public_id))
        _note("undid an import", public_id, rows=count)
    return _back(public_id)


@bp.post("/imports/<public_id>/discard")
@needs(Right.IMPORT)
def discard_import(public_id: str) -> ResponseReturnValue:
    """Give up a file before it is imported."""
    with unit_of_work():
        imports.discard(_found(public_id))
        _note("gave up a file to import", public_id)
    words = (
        "The file is gone, and what was read of it is erased within minutes. Nobody was imported."
    )
    return see_other(url_for(".imports"), words)


def _found(public_id: str) -> Import:
    return imports.get_import(signed_in().organisation, public_id)


def _is_repeated(count: int) -> bool:
    return request.form.get("count", "").replace(",", "").strip() == str(count)


def _note(action: str, public_id: str, **details: int) -> None:
    me = signed_in()
    accounts.note(me.organisation, me.account, action, public_id, **details)


def _page(public_id: str) -> str:
    return url_for(".import_page", public_id=public_id)


def _back(public_id: str, refusal: str = "") -> ResponseReturnValue:
    return see_other(_page(public_id), refusal, kind="error")
