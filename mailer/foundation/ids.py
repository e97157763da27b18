"""Public identifiers: a prefix that says what it is, then 128 random bits (S-001)."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Such as `con_9mJ2…`: letters, digits, `-` and `_` only, so that it fits paths and job ids."""
    return f"{prefix}_{secrets.token_urlsafe(16)}"
