"""The life of a key that signs mails (pure)."""

from __future__ import annotations

from enum import StrEnum


class DomainKeyState(StrEnum):
    """Where a key stands."""

    WAITING = "waiting"  # for its record to be published; it signs nothing yet
    SIGNING = "signing"
    REPLACED = "replaced"  # its record may be taken out of the DNS when its last mails have arrived
