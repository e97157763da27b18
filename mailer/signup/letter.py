"""The confirmation mail: who asks, what for, one link; nothing that advertises, nothing the visitor typed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from mailer import rendering, transactional
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.tokens import Purpose, sign_lasting, sign_timed
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id, imprint_lines
from mailer.signup.models import SignupRequest
from mailer.transactional import MessageDraft, MessageKind

_WHO = "Somebody, probably you, asked"
_IF_IT_WAS_YOU = "If it was you, confirm it with the link below. Until then you receive nothing."
_IF_NOT = (
    "If it was not you, there is nothing you need to do: without the confirmation the request is "
    "erased. To keep us from writing to this address again, use this link:"
)
MOST_NAMES = 2


def confirm_url(request: SignupRequest) -> str:
    """The link behind which the button is (L-001)."""
    return f"{settings().public_url}/c/{sign_timed(Purpose.CONFIRM, request.public_id)}"


def dispute_url(request: SignupRequest) -> str:
    """The link for "this wasn't me"; it never expires (C-032)."""
    return f"{settings().public_url}/n/{sign_lasting(Purpose.NOT_ME, request.public_id)}"


def plan_confirmation(
    organisation: Organisation, request: SignupRequest, lists: Sequence[MailingList]
) -> None:
    """Owe the person one mail for all lists together (C-021 to C-025, E-010)."""
    sender = get_sender_by_id(lists[0].sender_id)
    names = [mailing_list.name for mailing_list in lists]
    days = settings().confirmation_days
    rendered = rendering.render_letter(
        rendering.Letter(
            subject=f"Please confirm: {_subject(names, organisation)}",
            paragraphs=(
                f"{_WHO} {organisation.legal_name} to send mail of {_listed(names)} to this address.",
                _IF_IT_WAS_YOU,
            ),
            action=("Confirm my subscription", confirm_url(request)),
            after=(f"The link works for {days} days. {_IF_NOT}",),
            secondary=("I did not ask for this", dispute_url(request)),
            imprint="\n".join(imprint_lines(organisation)),
            language="en",
        )
    )
    domain = sender.from_address.rpartition("@")[2]
    mail = rendering.Mail(
        from_name=sender.from_name,
        from_address=sender.from_address,
        to_address=request.address or "",
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
            kind=MessageKind.CONFIRMATION,
            reference=request.public_id,
            mail=mail,
            expires_at=request.expires_at,
        ),
    )


def _subject(names: Sequence[str], organisation: Organisation) -> str:
    return " and ".join(names) if len(names) <= MOST_NAMES else organisation.name


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
