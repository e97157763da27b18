"""Transactional: mails the service owes somebody, such as the confirmation of a signup. Never marketing.

Enters: the composed mail, in the same transaction as what it is about.
Leaves: one settled row a mail, with the relay's reply.
Always holds: a planned mail is sent at most once; what cannot be known is UNCERTAIN and not sent again;
bytes are kept here only until the mail is settled.
"""

from __future__ import annotations

from mailer.transactional.evidence import is_final, mail_evidence
from mailer.transactional.letters import Addressed, plan_letter
from mailer.transactional.mailed_links import (
    LinkFor,
    MailedLink,
    mail_link,
    mail_link_to,
    read_mailed_link,
)
from mailer.transactional.models import TransactionalMessage
from mailer.transactional.outbox import (
    MessageDraft,
    ReadyMail,
    Stuck,
    TransactionalPlanned,
    find_newest,
    find_stuck,
    forget_address,
    forget_addressee,
    has_due,
    plan,
    plan_ready,
)
from mailer.transactional.sending import claim_due, release_expired, settle, wire_bodies
from mailer.transactional.states import MessageKind, MessageState

__all__ = [
    "Addressed",
    "LinkFor",
    "MailedLink",
    "MessageDraft",
    "MessageKind",
    "MessageState",
    "ReadyMail",
    "Stuck",
    "TransactionalMessage",
    "TransactionalPlanned",
    "claim_due",
    "find_newest",
    "find_stuck",
    "forget_address",
    "forget_addressee",
    "has_due",
    "is_final",
    "mail_evidence",
    "mail_link",
    "mail_link_to",
    "plan",
    "plan_letter",
    "plan_ready",
    "read_mailed_link",
    "release_expired",
    "settle",
    "wire_bodies",
]
