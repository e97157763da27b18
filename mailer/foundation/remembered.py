"""What many requests read and few change, kept for a second by each process.

A change made in this process is seen at once: committing a change to one of the tables concerned forgets
everything. A change made by another process is seen a second later at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from mailer.foundation import context
from mailer.foundation.database import Model

T = TypeVar("T")

SECONDS = 1.0
MOST = 1_000
_TOUCHED = "remembered.touched"
_watched: set[str] = set()


class Memory(Generic[T]):
    """Answers to one question, by key. What is kept belongs to no session, and nobody may change it."""

    def __init__(self, name: str, *tables: str) -> None:
        self._name = f"mailer.remembered.{name}"
        _watched.update(tables)

    def ask(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` said less than a second ago, or says now, in a session of its own."""
        kept: dict[Hashable, tuple[float, T]] = context.extensions().setdefault(self._name, {})
        moment = time.monotonic()
        known = kept.get(key)
        if known is not None and known[0] > moment:
            return known[1]
        with context.fresh():
            found = read()
        if len(kept) >= MOST:
            kept.clear()
        kept[key] = (moment + SECONDS, found)
        return found


def forget() -> None:
    """Ask anew from now on."""
    for name, kept in context.extensions().items():
        if name.startswith("mailer.remembered."):
            cast("dict[Any, Any]", kept).clear()


@event.listens_for(Session, "after_flush")
def _after_flush(session: Session, _context: object) -> None:
    for changed in (session.new, session.dirty, session.deleted):
        if any(isinstance(one, Model) and one.__tablename__ in _watched for one in changed):
            session.info[_TOUCHED] = True


@event.listens_for(Session, "do_orm_execute")
def _on_execute(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        table = getattr(state.statement, "table", None)
        if getattr(table, "name", None) in _watched:
            state.session.info[_TOUCHED] = True


@event.listens_for(Session, "after_commit")
def _after_commit(session: Session) -> None:
    if session.info.pop(_TOUCHED, False):
        forget()
