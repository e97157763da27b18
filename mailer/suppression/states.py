"""Why and how far an address is suppressed, and which consents that outranks (C-082). Pure."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """MARKETING stops campaigns; ALL_MAIL stops the confirmation mail of a new request too."""

    MARKETING = "marketing"
    ALL_MAIL = "all_mail"


class Reason(StrEnum):
    """What brought the entry about."""

    NOT_ME = "not_me"
    UNSUBSCRIBED = "unsubscribed"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    ERASURE = "erasure"
    BOUNCE = "bounce"
    MANUAL = "manual"


def outranks(entry: str, record: str) -> str:
    """SQL: whether the suppression entry `entry` stands against the consent record `record` (C-082, C-083).

    Both are names under which the statement knows the two rows. An entry for all mail outranks every
    consent; one for marketing a consent that was not given after it, wherever it was given; one without a
    date whatever was not confirmed here. That the entry was not lifted is for the statement to ask.
    """
    return (
        f"({entry}.scope = 'all_mail' OR ({entry}.scope = 'marketing' AND CASE"
        f" WHEN {entry}.is_undated THEN {record}.given_at IS NOT NULL"
        f" ELSE {entry}.created_at >= COALESCE({record}.given_at, {record}.recorded_at) END))"
    )
