"""What is known of a service mail that left, in the words of leg (b) of a proof (C-042)."""

from __future__ import annotations

from typing import Any

from mailer.foundation.clock import iso
from mailer.transactional.models import TransactionalMessage
from mailer.transport import Outcome, OutcomeKind

_FINAL = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.UNCERTAIN})
LONGEST_REPLY_KEPT = 500


def is_final(outcome: Outcome) -> bool:
    """Whether an outcome is worth keeping: the mail is not tried again."""
    return outcome.kind in _FINAL


def mail_evidence(message: TransactionalMessage, outcome: Outcome, sha256: str) -> dict[str, Any]:
    """Who it went to, what was answered and by whom; `sha256` names the bytes that are kept."""
    return {
        "outcome": outcome.kind.value,
        "message_id": message.message_id,
        "sha256": sha256,
        "envelope_from": message.from_address,
        "envelope_to": message.to_address,
        "answered_at": iso(outcome.at),
        "reply_code": str(outcome.code or ""),
        "enhanced_code": outcome.enhanced or "",
        "reply_text": outcome.text[:LONGEST_REPLY_KEPT],
        "relay": outcome.relay,
        "tls": outcome.tls,
    }
