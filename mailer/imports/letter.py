"""The permission mail: who asks, where the address is from, one link; no advertising (C-021, C-055)."""

from __future__ import annotations

import secrets

from mailer import rendering, transactional
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.tokens import Purpose, sign_lasting, sign_timed
from mailer.imports.models import ImportRow
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id, imprint_lines
from mailer.transactional import MessageDraft, MessageKind

NO_SOURCE = "a list that was kept in another mail program"


def permission_url(row: ImportRow) -> str:
    """The link behind which the button is; opening it changes nothing (L-001)."""
    return f"{settings().public_url}/i/{sign_timed(Purpose.PERMISSION, row.public_id)}"


def refusal_url(row: ImportRow) -> str:
    """The link for "do not write to me"; it never expires (C-032)."""
    return (
        f"{settings().public_url}/i/no/{sign_lasting(Purpose.NO_PERMISSION, row.public_id or '')}"
    )


def plan_permission_mail(
    organisation: Organisation, mailing_list: MailingList, row: ImportRow, file_date: str
) -> None:
    """Owe one locked person the one mail that asks for their permission."""
    sender = get_sender_by_id(mailing_list.sender_id)
    rendered = rendering.render_letter(_letter(organisation, mailing_list, row, file_date))
    domain = sender.from_address.rpartition("@")[2]
    mail = rendering.Mail(
        from_name=sender.from_name,
        from_address=sender.from_address,
        to_address=row.address or "",
        to_name=None,
        reply_to=sender.reply_to or None,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id=f"{secrets.token_hex(16)}@{domain}",
        date=now(),
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    transactional.plan(
        organisation,
        MessageDraft(
            kind=MessageKind.PERMISSION,
            reference=row.public_id or "",
            mail=mail,
            expires_at=row.expires_at or now(),
        ),
    )


def _letter(
    organisation: Organisation, mailing_list: MailingList, row: ImportRow, file_date: str
) -> rendering.Letter:
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
    return rendering.Letter(
        subject=f"May {organisation.name} write to you?",
        paragraphs=(origin, question),
        action=("Yes, I want this mail", permission_url(row)),
        after=(otherwise, "To keep us from writing to this address again, use this link:"),
        secondary=("Do not write to me", refusal_url(row)),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
