"""The life of a subscription. Pure."""

from __future__ import annotations

from enum import StrEnum


class SubscriptionState(StrEnum):
    """Where a membership stands; only ACTIVE is mailed, and only ACTIVE needs a proof."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
