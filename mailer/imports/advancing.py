"""One step of whatever import is next: a slice, in the caller's unit of work."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.foundation.database import db
from mailer.imports.importing import import_slice
from mailer.imports.models import Import
from mailer.imports.quarantine import read_slice
from mailer.imports.states import WORKING, ImportState
from mailer.imports.undoing import WasMailed, undo_slice


def has_work() -> bool:
    """Whether any import waits for a slice, or for its permission mails."""
    waits = sa.or_(Import.state.in_(WORKING), Import.is_asking)
    return bool(db.session.scalar(sa.select(sa.exists().where(waits))))


def advance(was_mailed: WasMailed, *, public_id: str | None = None) -> bool:
    """Do one slice of the oldest import that is being read, imported or undone, or of the one named.

    False when there is none. Two workers take turns and never do the same slice. `was_mailed` says which of
    some people (row ids of contacts) got campaign mail.
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
        undo_slice(found, was_mailed)
    return True
