"""Why and how far an address is suppressed, and which consents that outranks (C-082). Pure."""

from __future__ import annotations

from datetime import datetime
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


def outranks(asked_at: datetime | None, given_at: datetime, *, is_confirmed_here: bool) -> bool:
    """Whether an opt-out from marketing holds against a consent (C-082).

    One without a date holds against whatever was not confirmed here, any other unless that was given later.

    The view `suppressed_consents` says the same of entries; this is for an opt-out that is none yet.
    """
    return not is_confirmed_here if asked_at is None else asked_at >= given_at
