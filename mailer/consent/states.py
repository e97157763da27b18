"""The words of the ledger, one to one those of the W3C DPV consent statuses (R-007). Pure."""

from __future__ import annotations

from enum import StrEnum


class ConsentState(StrEnum):
    """What a record says happened."""

    REQUESTED = "requested"
    GIVEN = "given"
    RENEWED = "renewed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    INVALIDATED = "invalidated"
    UNKNOWN = "unknown"


class Matter(StrEnum):
    """What was asked: mail of a list, or measuring opens and clicks; never bundled (C-003)."""

    MAILING = "mailing"
    TRACKING = "tracking"


DPV_TERMS: dict[ConsentState, str] = {
    ConsentState.REQUESTED: "dpv:ConsentRequested",
    ConsentState.GIVEN: "dpv:ConsentGiven",
    ConsentState.RENEWED: "dpv:RenewedConsentGiven",
    ConsentState.REFUSED: "dpv:ConsentRefused",
    ConsentState.WITHDRAWN: "dpv:ConsentWithdrawn",
    ConsentState.EXPIRED: "dpv:ConsentExpired",
    ConsentState.TERMINATED: "dpv:ConsentRevoked",
    ConsentState.INVALIDATED: "dpv:ConsentInvalidated",
    ConsentState.UNKNOWN: "dpv:ConsentUnknown",
}

ALLOWS_SENDING = frozenset({ConsentState.GIVEN, ConsentState.RENEWED})
ENDS = frozenset(
    {
        ConsentState.WITHDRAWN,
        ConsentState.EXPIRED,
        ConsentState.TERMINATED,
        ConsentState.INVALIDATED,
    }
)
