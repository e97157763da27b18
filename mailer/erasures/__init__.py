"""Erasures: which there were, for a database that forgets when it is restored.

Enters: what an erasure was asked for, and of whom, in names that nobody can read.
Leaves: the erasures that the database or the key store does not know of.
Always holds: a line is on the disk before anything is destroyed; no line says who somebody was.
"""

from __future__ import annotations

from mailer.erasures.models import AskedBy, Erasure
from mailer.erasures.register import Entry, RegisterDamaged, append, find_erasure, list_unapplied

__all__ = [
    "AskedBy",
    "Entry",
    "Erasure",
    "RegisterDamaged",
    "append",
    "find_erasure",
    "list_unapplied",
]
