"""The confirmation mail: who asks, what for, one link; nothing that advertises, nothing the visitor typed.

As it left, with what the next server said, it is leg (b) of the proof (C-042).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from mailer import consent, rendering, transactional
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.remembered import Memory
from mailer.foundation.tokens import Purpose, sign_timed
from mailer.lists import MailingList
from mailer.organisations import (
    Organisation,
    get_organisation_by_id,
    get_sender_by_id,
    imprint_lines,
)
from mailer.rendering import Stencil
from mailer.signup.disputing import sign_dispute_link
from mailer.signup.models import SignupRequest
from mailer.transactional import MessageKind, ReadyMail, TransactionalMessage
from mailer.transport import Outcome

_WHO = "Somebody, probably you, asked"
_IF_IT_WAS_YOU = "If it was you, confirm it with the link below. Until then you receive nothing."
_IF_NOT = (
    "If it was not you, there is nothing you need to do: without the confirmation the request is "
    "erased. To keep us from writing to this address again, use this link:"
)
MOST_NAMES = 2


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom a confirmation mail asks, about which request, and until when it makes sense."""

    request_public_id: str
    address: str
    digest: str
    expires_at: datetime

    @property
    def confirm_token(self) -> str:
        return sign_timed(Purpose.CONFIRM, self.request_public_id)

    @property
    def dispute_token(self) -> str:
        return sign_dispute_link(self.request_public_id, self.digest)


@dataclass(frozen=True, slots=True)
class _Words:
    """Everything that the confirmation mails of one form have in common."""

    legal_name: str
    name: str
    imprint: str
    from_name: str
    from_address: str
    reply_to: str
    lists: tuple[str, ...]
    days: int
    public_url: str


_written: Memory[_Words] = Memory("letters", "organisations", "senders", "mailing_lists")


def write_confirmation(
    organisation: Organisation, invitation: Invitation, lists: Sequence[MailingList]
) -> ReadyMail:
    """The one mail that asks a person about all lists together (C-021 to C-025, E-010).

    Raises Invalid for an address that no mail can be written to.
    """
    key = (organisation.id, tuple(mailing_list.id for mailing_list in lists))
    words = _written.ask(key, lambda: _write(organisation, lists))
    tokens = {"confirm": invitation.confirm_token, "dispute": invitation.dispute_token}
    message_id = f"{secrets.token_hex(16)}@{words.from_address.rpartition('@')[2]}"
    date = now()
    body = _stencil(words, tuple(map(len, tokens.values()))).fill(
        tokens, to_address=invitation.address, message_id=message_id, date=date
    )
    if body is None:
        mail = _mail(words, tokens["confirm"], tokens["dispute"])
        mail = replace(mail, to_address=invitation.address, message_id=message_id, date=date)
        body = rendering.compose(mail)
    return ReadyMail(
        organisation_id=organisation.id,
        kind=MessageKind.CONFIRMATION,
        reference=invitation.request_public_id,
        to_address=invitation.address,
        from_address=words.from_address,
        message_id=message_id,
        body=body,
        expires_at=invitation.expires_at,
    )


def _write(organisation: Organisation, lists: Sequence[MailingList]) -> _Words:
    organisation = get_organisation_by_id(organisation.id)
    sender = get_sender_by_id(lists[0].sender_id)
    return _Words(
        legal_name=organisation.legal_name,
        name=organisation.name,
        imprint="\n".join(imprint_lines(organisation)),
        from_name=sender.from_name,
        from_address=sender.from_address,
        reply_to=sender.reply_to,
        lists=tuple(mailing_list.name for mailing_list in lists),
        days=settings().confirmation_days,
        public_url=settings().public_url,
    )


@lru_cache(maxsize=64)
def _stencil(words: _Words, widths: tuple[int, int]) -> Stencil:
    # Two words that stand nowhere else, as long as the tokens will be.
    confirm, dispute = ("C" * widths[0]), ("D" * widths[1])
    return Stencil(_mail(words, confirm, dispute), {"confirm": confirm, "dispute": dispute})


def _mail(words: _Words, confirm_token: str, dispute_token: str) -> rendering.Mail:
    """The mail as it reads, to nobody yet."""
    rendered = rendering.render_letter(
        rendering.Letter(
            subject=f"Please confirm: {_subject(words)}",
            paragraphs=(
                f"{_WHO} {words.legal_name} to send mail of {_listed(words.lists)} to this address.",
                _IF_IT_WAS_YOU,
            ),
            action=("Confirm my subscription", f"{words.public_url}/c/{confirm_token}"),
            after=(f"The link works for {words.days} days. {_IF_NOT}",),
            secondary=("I did not ask for this", f"{words.public_url}/n/{dispute_token}"),
            imprint=words.imprint,
            language="en",
        )
    )
    domain = words.from_address.rpartition("@")[2]
    return rendering.Mail(
        from_name=words.from_name,
        from_address=words.from_address,
        to_address=words.from_address,
        to_name=None,
        reply_to=words.reply_to or None,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id=f"{'0' * 32}@{domain}",
        date=now(),
        headers=(("Auto-Submitted", "auto-generated"),),
    )


def _subject(words: _Words) -> str:
    return " and ".join(words.lists) if len(words.lists) <= MOST_NAMES else words.name


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def keep_mail_evidence(message: TransactionalMessage, body: bytes, outcome: Outcome) -> None:
    """Keep the bytes of a confirmation mail under the person's key, with the SMTP reply.

    Called in the transaction that settles the mail. An answer that is no final one leaves no trace here.
    """
    if not transactional.is_final(outcome):
        return
    request = db.session.scalar(
        sa.select(SignupRequest).where(SignupRequest.public_id == message.reference)
    )
    if request is None or request.address is None:
        return
    consent.put_blob(consent.get_subject(request.subject_id), body, "message/rfc822")
    request.mail_evidence = transactional.mail_evidence(message, outcome, body)
    db.session.flush()
