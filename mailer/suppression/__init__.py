"""Suppression: addresses we must not mail, and why.

Enters: the digest of an address, a scope and a reason.
Leaves: whether mail of a kind may go there.
Always holds: asked at signup, at planning and again at claiming; holds digests only, so it outlives an
erasure; a MARKETING entry is outranked only by a consent given after it (one without a date: confirmed
here), an ALL_MAIL entry only by the person's own link; of all reasons the team may lift a bounce alone.
"""

from __future__ import annotations

from mailer.suppression.entries import (
    Bounce,
    find_blocked,
    find_blocking,
    find_entry,
    lift,
    lift_bounce,
    list_entries,
    suppress,
    suppress_bounced,
    take_back_bounces,
)
from mailer.suppression.models import SUPPRESSED_CONSENTS, SuppressionEntry
from mailer.suppression.states import Reason, Scope, outranks

__all__ = [
    "SUPPRESSED_CONSENTS",
    "Bounce",
    "Reason",
    "Scope",
    "SuppressionEntry",
    "find_blocked",
    "find_blocking",
    "find_entry",
    "lift",
    "lift_bounce",
    "list_entries",
    "outranks",
    "suppress",
    "suppress_bounced",
    "take_back_bounces",
]
