"""The stages of an audit, and what it may find. Pure."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """What is being gone through; in this order."""

    LEAVES = "leaves"
    TILES = "tiles"
    RECORDS = "records"
    SUBSCRIPTIONS = "subscriptions"
    DELIVERIES = "deliveries"
    DONE = "done"


class FindingKind(StrEnum):
    """What does not agree with what."""

    LEAF_GAP = "leaf_gap"
    LEAF_MALFORMED = "leaf_malformed"
    LEAF_DIFFERS = "leaf_differs"
    LEAF_MISSING = "leaf_missing"
    RECORD_MISSING = "record_missing"
    TILE_DIFFERS = "tile_differs"
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    CHECKPOINT_UNSIGNED = "checkpoint_unsigned"
    CHECKPOINT_BEYOND = "checkpoint_beyond"
    SIGNER_DIFFERS = "signer_differs"
    ENTRIES_DIFFER = "entries_differ"
    PAYLOAD_MISSING = "payload_missing"
    PAYLOAD_UNREADABLE = "payload_unreadable"
    PAYLOAD_REMAINS = "payload_remains"
    PAYLOAD_DIFFERS = "payload_differs"
    COMMITMENT_DIFFERS = "commitment_differs"
    MEMBERSHIP_UNPROVEN = "membership_unproven"
    DELIVERY_UNPROVEN = "delivery_unproven"


STAGES = tuple(Stage)
