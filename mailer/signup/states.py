"""The life of a signup request. Pure."""

from __future__ import annotations

from enum import StrEnum


class RequestState(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"  # its time is over and what was personal is erased
    DISPUTED = "disputed"  # "this wasn't me"
