"""The permission mail: who asks, where the address is from, one link; no advertising (C-021, C-055)."""

from __future__ import annotations

from datetime import timedelta

from mailer import transactional
from mailer.foundation.context import settings
from mailer.foundation.tokens import Purpose, sign_lasting, sign_timed
from mailer.imports.models import ImportRow
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id, imprint_lines
from mailer.rendering import Letter
from mailer.transactional import Addressed, MessageKind

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
