"""The life of a delivery. Pure."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where one message to one contact stands. Accepted is not delivered: the next server said 250."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"


class SkipReason(StrEnum):
    """Why somebody of the audience is not mailed after all."""

    SUPPRESSED = "suppressed"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    ERASED = "erased"
    UNRENDERABLE = "unrenderable"
    RESTRICTED = "restricted"
    PAUSED = "paused"
    TOO_OFTEN = "too_often"


WAITING = frozenset({DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.HELD})
OPEN = WAITING | {DeliveryState.CLAIMED}
