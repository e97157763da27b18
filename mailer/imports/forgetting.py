"""What imports hold of a person goes when the person is erased."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from mailer import transactional
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.imports.importing import blank
from mailer.imports.models import Import, ImportRow
from mailer.imports.quarantine import add_counts, counted
from mailer.imports.states import QUARANTINED, Refusal, RowState
from mailer.organisations import Organisation

_OPEN = (*QUARANTINED, RowState.KNOWN, RowState.LOCKED, RowState.ASKED)


def forget(
    organisation: Organisation, address_digest: str | None, contact: Contact | None = None
) -> list[int]:
    """Erase what the rows of all imports hold about one person, and the mails to them (C-092).

    Returns the row ids of the subjects these rows stand under in the ledger. A disputed row keeps the digest
    of its address: only its own link can take the block back (C-083).
    """
    whose = []
    if address_digest is not None:
        whose.append(ImportRow.address_digest == address_digest)
    if contact is not None:
        whose.append(ImportRow.contact_id == contact.id)
    if not whose:
        return []
    rows = db.session.scalars(
        sa.select(ImportRow)
        .join(Import, Import.id == ImportRow.import_id)
        .where(Import.organisation_id == organisation.id, sa.or_(*whose))
    ).all()
    changes: dict[int, Counter[str]] = {}
    for row in rows:
        of_import = changes.setdefault(row.import_id, Counter())
        of_import.subtract(counted(row.state, row.refusal))
        if row.public_id is not None:
            transactional.forget_addressee(row.public_id)
        if row.state in _OPEN:
            row.state, row.refusal, row.settled_at = RowState.REFUSED, Refusal.ERASED, now()
        of_import.update(counted(row.state, row.refusal))
        digest = row.address_digest if row.state is RowState.DISPUTED else None
        blank(row)
        row.address_digest = digest
        row.mail_evidence, row.filled, row.detail = None, [], ""
    for import_id, of_import in changes.items():
        add_counts(db.session.get_one(Import, import_id, with_for_update=True), of_import)
    db.session.flush()
    return sorted({row.subject_id for row in rows if row.subject_id is not None})
