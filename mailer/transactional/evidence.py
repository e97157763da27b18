"""What is known of a service mail that left, in the words of leg (b) of a proof (C-042)."""

from __future__ import annotations

import hashlib
from typing import Any

from mailer.foundation.blotting import blot, link_digests
from mailer.foundation.clock import iso
from mailer.transactional.models import TransactionalMessage
from mailer.transport import ABOUT_US, Outcome, OutcomeKind, read_outcome

_FINAL = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.UNCERTAIN})
LONGEST_REPLY_KEPT = 500


def is_final(outcome: Outcome) -> bool:
    """Whether an outcome is worth keeping: the mail is not tried again."""
    return outcome.kind in _FINAL and not is_about_us(outcome)


def is_about_us(outcome: Outcome) -> bool:
    """Whether the relay refused us and not the person: the mail waits until that is put right."""
    if outcome.kind is not OutcomeKind.REFUSED:
        return False
    return outcome.stage == "mail" or read_outcome(outcome).about in ABOUT_US


def mail_evidence(message: TransactionalMessage, outcome: Outcome, body: bytes) -> dict[str, Any]:
    """Who it went to, what was answered and by whom; `body` are the bytes that left.

    `sha256` names these bytes, which nobody is shown; `blotted_sha256` names them with the secrets of their
    links blotted out, as they are handed out; `link_sha256s` are the digests of the links, one of which is
    the `token_sha256` of the confirming act.
    """
    return {
        "outcome": outcome.kind.value,
        "message_id": message.message_id,
        "sha256": hashlib.sha256(body).hexdigest(),
        "blotted_sha256": hashlib.sha256(blot(body)).hexdigest(),
        "link_sha256s": link_digests(body),
        "envelope_from": message.from_address,
        "envelope_to": message.to_address,
        "answered_at": iso(outcome.at),
        "reply_code": str(outcome.code or ""),
        "enhanced_code": outcome.enhanced or "",
        "reply_text": outcome.text[:LONGEST_REPLY_KEPT],
        "relay": outcome.relay,
        "tls": outcome.tls,
    }
