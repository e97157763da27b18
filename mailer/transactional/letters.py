"""A letter of the service becomes a mail that is owed: one way for all rooms that write to a person."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from mailer import rendering
from mailer.foundation.clock import now
from mailer.organisations import Organisation, Sender
from mailer.rendering import Attachment, Letter
from mailer.transactional.models import TransactionalMessage
from mailer.transactional.outbox import MessageDraft, plan
from mailer.transactional.states import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A letter with whom it is from and to, what it is about, and for how long sending it makes sense."""

    kind: MessageKind
    reference: str
    sender: Sender
    to_address: str
    letter: Letter
    life: timedelta
    attachments: tuple[Attachment, ...] = ()


def plan_letter(organisation: Organisation, addressed: Addressed) -> TransactionalMessage:
    """Owe somebody a letter; nobody answers it by machine (E-010). Raises Invalid as `plan` does."""
    sender, moment = addressed.sender, now()
    rendered = rendering.render_letter(addressed.letter)
    mail = rendering.Mail(
        from_name=sender.from_name,
        from_address=sender.from_address,
        to_address=addressed.to_address,
        to_name=None,
        reply_to=sender.reply_to or None,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id=f"{secrets.token_hex(16)}@{sender.from_address.rpartition('@')[2]}",
        date=moment,
        headers=(("Auto-Submitted", "auto-generated"),),
        attachments=addressed.attachments,
    )
    draft = MessageDraft(
        kind=addressed.kind,
        reference=addressed.reference,
        mail=mail,
        expires_at=moment + addressed.life,
    )
    return plan(organisation, draft)
