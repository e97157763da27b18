"""The permission mail (C-021, C-055): one to each locked person, ever, and so many an hour; no advertising."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from mailer import consent, transactional
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.ids import new_id
from mailer.foundation.throttle import Limit, are_within
from mailer.foundation.tokens import Purpose, sign_lasting, sign_timed
from mailer.imports.dry_run import add_counts, counted
from mailer.imports.importing import subject_of
from mailer.imports.matching import decide, match_addresses
from mailer.imports.models import Import, ImportRow
from mailer.imports.states import ImportState, RowState
from mailer.imports.undoing import release_locked
from mailer.lists import MailingList, get_list_by_id
from mailer.organisations import (
    Organisation,
    get_organisation_by_id,
    get_sender_by_id,
    imprint_lines,
)
from mailer.rendering import Letter
from mailer.transactional import Addressed, MessageKind, TransactionalMessage
from mailer.transport import Outcome

SLICE = 20
MAILS_PER_WEEK, WEEK = 3, 7 * 24 * 3600  # to one mailbox


def plan_permission_mails(*, limit: int = SLICE) -> int:
    """Plan up to `limit` permission mails, within what an hour allows; returns how many.

    Where people stand is asked once more: whom something has happened to since is not written to.
    """
    found = db.session.scalar(
        sa.select(Import)
        .where(Import.is_asking, Import.state == ImportState.DONE, Import.expires_at > now())
        .order_by(Import.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is None:
        return 0
    room = min(limit, settings().import_mails_per_hour - _mailed_this_hour())
    if room <= 0:
        return 0
    rows, is_end = _next_rows(found, room)
    if not rows:
        found.is_asking = not is_end
        db.session.flush()
        return 0
    matches = match_addresses(found, {row.address_digest or "" for row in rows})
    changes: Counter[str] = Counter()
    for row in rows:
        state, refusal = decide(RowState.UNPROVEN, matches[row.address_digest or ""])
        changes.subtract(counted(row.state, row.refusal))
        if state is RowState.UNPROVEN:
            _plan(found, row)
        else:
            release_locked([row], state)
            row.refusal = refusal
        changes.update(counted(row.state, row.refusal))
    add_counts(found, changes)
    db.session.flush()
    return len(rows)


def keep_mail_evidence(message: TransactionalMessage, body: bytes, outcome: Outcome) -> None:
    """Keep the bytes of a permission mail under the person's key, with the SMTP reply (C-042)."""
    if not transactional.is_final(outcome):
        return
    row = db.session.scalar(sa.select(ImportRow).where(ImportRow.public_id == message.reference))
    if row is None or row.state is not RowState.ASKED:
        return
    consent.put_blob(subject_of(row), body, "message/rfc822")
    row.mail_evidence = transactional.mail_evidence(message, outcome, body)
    db.session.flush()


def _next_rows(found: Import, room: int) -> tuple[list[ImportRow], bool]:
    """Up to `room` locked rows that may be mailed now; and whether no locked row is left at all.

    One mailbox gets few permission mails a week, over all organisations; its other addresses wait.
    """
    last, chosen = 0, list[ImportRow]()
    is_end = True
    while len(chosen) < room:
        rows = db.session.scalars(
            sa.select(ImportRow)
            .where(
                ImportRow.import_id == found.id,
                ImportRow.state == RowState.LOCKED,
                ImportRow.id > last,
            )
            .order_by(ImportRow.id)
            .limit(room - len(chosen))
        ).all()
        if not rows:
            break
        is_end, last = False, rows[-1].id
        mailboxes = [parse_address(row.address or "").mailbox_digest for row in rows]
        answers = are_within(
            [[Limit(f"permission:{mailbox}", MAILS_PER_WEEK, WEEK)] for mailbox in mailboxes]
        )
        chosen += [row for row, is_free in zip(rows, answers, strict=True) if is_free]
    return chosen, is_end


def _mailed_this_hour() -> int:
    query = sa.select(sa.func.count()).where(ImportRow.mailed_at > now() - timedelta(hours=1))
    return db.session.scalar(query) or 0


def _plan(found: Import, row: ImportRow) -> None:
    row.public_id = new_id("prm")
    row.mailed_at = now()
    row.expires_at = now() + timedelta(days=settings().import_permission_days)
    row.state = RowState.ASKED
    db.session.flush()
    plan_permission_mail(
        get_organisation_by_id(found.organisation_id),
        get_list_by_id(found.mailing_list_id),
        row,
        f"{found.imported_at or found.created_at:%-d %B %Y}",
    )


NO_SOURCE = "a file that does not say where your address is from"


def permission_url(row: ImportRow) -> str:
    """The link behind which the button is; opening it changes nothing (L-001)."""
    return f"{settings().public_url}/i/{sign_timed(Purpose.PERMISSION, row.public_id)}"


def refusal_url(row: ImportRow) -> str:
    """The link for "do not write to me"; it never expires (C-032)."""
    return f"{settings().public_url}/i/no/{sign_refusal_link(row)}"


def sign_refusal_link(row: ImportRow) -> str:
    """The token of that link; it brings the digest of the address along, so that it works after an erasure."""
    digest = [row.address_digest] if row.address_digest else []
    return sign_lasting(Purpose.NO_PERMISSION, row.public_id or "", *digest)


def plan_permission_mail(
    organisation: Organisation, mailing_list: MailingList, row: ImportRow, file_date: str
) -> None:
    """Owe one locked person the one mail that asks for their permission."""
    transactional.plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.PERMISSION,
            reference=row.public_id or "",
            sender=get_sender_by_id(mailing_list.sender_id),
            to_address=row.address or "",
            letter=_letter(organisation, mailing_list, row, file_date),
            life=timedelta(days=settings().import_permission_days),
        ),
    )


def _letter(
    organisation: Organisation, mailing_list: MailingList, row: ImportRow, file_date: str
) -> Letter:
    days = settings().import_permission_days
    source = row.proof.get("source") or NO_SOURCE
    notice = f"{settings().public_url}/notice/{organisation.public_id}"
    origin = (
        f"{organisation.legal_name} has your address from this source: {source}. It was brought here "
        f"on {file_date}."
    )
    question = (
        f"Whether you agreed to mail of “{mailing_list.name}” cannot be shown, so nothing is sent to you. "
        "If you want it, confirm it with the link below."
    )
    otherwise = (
        f"The link works for {days} days. If you do nothing, this stays the only mail, and what came with "
        "your address is erased. What is stored about you and what your rights are stands in the privacy "
        f"notice: {notice}"
    )
    return Letter(
        subject=f"May {organisation.name} write to you?",
        paragraphs=(origin, question),
        action=("Yes, I want this mail", permission_url(row)),
        after=(otherwise, "To keep us from writing to this address again, use this link:"),
        secondary=("Do not write to me", refusal_url(row)),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
