"""Self-audit: everything that was promised is computed again, every night, and told when it does not agree.

In: nothing but what is stored. Out: audits and their findings, for the team, for metrics and for the command
line. Always: an audit changes nothing but its own rows, goes in slices, and needs the same memory whatever
the number of records.
"""

from __future__ import annotations

from mailer.selfaudit.examined import AuditState, Found, Slice
from mailer.selfaudit.queries import (
    Audit,
    Finding,
    count_findings,
    find_alarming,
    find_newest,
    get_audit,
    list_findings,
)
from mailer.selfaudit.states import STAGES, FindingKind, Stage
from mailer.selfaudit.walking import (
    BY_CLOCK,
    BY_HAND,
    begin,
    examine,
    find_unfinished,
    get_state,
    note,
    was_begun,
)

__all__ = [
    "BY_CLOCK",
    "BY_HAND",
    "STAGES",
    "Audit",
    "AuditState",
    "Finding",
    "FindingKind",
    "Found",
    "Slice",
    "Stage",
    "begin",
    "count_findings",
    "examine",
    "find_alarming",
    "find_newest",
    "find_unfinished",
    "get_audit",
    "get_state",
    "list_findings",
    "note",
    "was_begun",
]
