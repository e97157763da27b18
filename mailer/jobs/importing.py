"""Imports, a slice at a time, for as long as the other chores can wait."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mailer import imports
from mailer.foundation.database import unit_of_work
from mailer.foundation.turns import PAUSE_SECONDS
from mailer.jobs.patience import in_turns

WORK_SECONDS = 0.8  # of each second: what is due every second stays on time


def advance_imports() -> Mapping[str, object] | None:
    """Work on imports until the turn is over or nothing is left; each slice is kept for itself."""
    if not imports.has_work():
        return None
    until = time.monotonic() + WORK_SECONDS
    slices = letters = 0
    while time.monotonic() < until:
        if advance_once():
            slices += 1
            time.sleep(PAUSE_SECONDS)
            continue
        with unit_of_work():
            planned = imports.plan_permission_mails()
        if not planned:
            break
        letters += planned
    return {"slices": slices, "permission_mails": letters} if slices or letters else None


def advance_once(public_id: str | None = None) -> bool:
    """One slice of the next import, or of the one named; False when there is none."""
    with unit_of_work():
        return imports.advance(public_id)


def expire_imports() -> int:
    """Erase what the time of imports is over for; returns how many rows."""
    return in_turns(imports.expire_imports)
