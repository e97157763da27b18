"""Why and how far an address is suppressed (C-082). Pure."""

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
