"""The life of a service mail. Pure."""

from __future__ import annotations

from enum import StrEnum


class MessageState(StrEnum):
    """Where a service mail stands."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class MessageKind(StrEnum):
    """What a service mail is for."""

    CONFIRMATION = "confirmation"
    INVITATION = "invitation"
    TEST = "test"
    RECEIPT = "receipt"
    PROOF_LINK = "proof_link"
    PERMISSION = "permission"
    RIGHTS_LINK = "rights_link"
    CHANGE_LINK = "change_link"
    CLOSING = "closing"
    ACCOUNT = "account"
