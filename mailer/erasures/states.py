"""Who asked for an erasure. Pure."""

from __future__ import annotations

from enum import StrEnum


class AskedBy(StrEnum):
    """Who asked for an erasure, as far as we can tell."""

    PERSON = "person"
    TEAM = "team"
    OPERATOR = "operator"
