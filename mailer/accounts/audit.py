"""What was done, by whom, when (S-010): lines that hold public ids, no addresses, and are never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer.accounts.models import Account, AuditEntry
from mailer.foundation.database import db
from mailer.foundation.paging import Cursor, Page, page_of
from mailer.organisations import Organisation

LARGEST_ANSWER = 100
HELD_BACK = "held back requests through a form"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry with the name of who did it; empty when it was the service itself."""

    entry: AuditEntry
    who: str


def note(
    organisation: Organisation | None,
    account: Account | None,
    action: str,
    subject: str,
    **details: Any,
) -> AuditEntry:
    """Put on record that `account` did `action`, in words that follow a name, such as `published a form`.

    `subject` is the public id of what it was done to; `details` are plain JSON values, never personal data.
    """
    entry = AuditEntry(
        organisation_id=organisation.id if organisation else None,
        account_id=account.id if account else None,
        action=action[:80],
        subject=subject[:80],
        details=details,
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def list_noted(organisation: Organisation, action: str, *, since: datetime) -> list[AuditEntry]:
    """The entries of one `action` since a moment, newest first."""
    query = sa.select(AuditEntry).where(
        AuditEntry.organisation_id == organisation.id,
        AuditEntry.action == action,
        AuditEntry.happened_at >= since,
    )
    return list(db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(LARGEST_ANSWER)))


def list_audit(organisation: Organisation, cursor: Cursor) -> Page[AuditLine]:
    """What was done in `organisation`, newest first."""
    query = sa.select(AuditEntry).where(AuditEntry.organisation_id == organisation.id)
    page = page_of(query, AuditEntry, cursor)
    ids = {entry.account_id for entry in page.rows if entry.account_id is not None}
    rows = db.session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(ids)))
    names = {row.id: row.name for row in rows}
    lines = [
        AuditLine(entry, names.get(entry.account_id, "") if entry.account_id else "")
        for entry in page.rows
    ]
    return Page(rows=lines, older=page.older, newer=page.newer)
