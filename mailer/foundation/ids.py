"""Public identifiers: a prefix that says what it is, then 128 random bits (S-001)."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode

ERA_SECONDS = 0.1
_ERA_BYTES = 3  # four whole characters of base64
_OWN_BYTES = 13
_era = (0.0, b"")


def new_id(prefix: str) -> str:
    """Such as `con_9mJ2…`: letters, digits, `-` and `_` only, so that it fits paths and job ids.

    What this process names within a tenth of a second has the first 24 bits in common, and so lies together
    in every index: where each new row touches a page of its own, the database writes half as much again. The
    other 104 bits are nobody else's, so that no name can be guessed from another.
    """
    own = secrets.token_bytes(_OWN_BYTES)
    return f"{prefix}_{urlsafe_b64encode(_this_era() + own).rstrip(b'=').decode()}"


def _this_era() -> bytes:
    global _era  # noqa: PLW0603  # replaced as a whole; two threads that do it at once make two eras
    until, era = _era
    moment = time.monotonic()
    if moment >= until:
        era = secrets.token_bytes(_ERA_BYTES)
        _era = (moment + ERA_SECONDS, era)
    return era
