"""Keyset pages, newest first: stable under inserts, the same cost on page one and page ten thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from mailer.foundation.database import db

PAGE_SIZE = 50
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page; `older` and `newer` are the cursors of its neighbours, or None."""

    rows: Sequence[Row]
    older: str | None
    newer: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after the row with this public id (`older`), or before it (`newer`)."""

    older_than: str | None = None
    newer_than: str | None = None


def page_of(
    query: sa.Select[Row],
    model: type[Any],
    cursor: Cursor,
    *,
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """One page of `query`, whose rows are of `model` (with `id` and `public_id`), newest first.

    A cursor that points to nothing, or beyond the last row, gives the first page.
    """
    ident: InstrumentedAttribute[int] = model.id
    public: InstrumentedAttribute[str] = model.public_id
    goes_up = bool(cursor.newer_than)
    at = cursor.newer_than or cursor.older_than
    part = query
    if at is not None:
        edge = db.session.scalar(sa.select(ident).where(public == at))
        if edge is None:
            at, goes_up = None, False
        else:
            part = query.where(ident > edge if goes_up else ident < edge)
    order = ident.asc() if goes_up else ident.desc()
    rows: list[Any] = list(db.session.scalars(part.order_by(order).limit(size + 1)))
    if not rows and at is not None:
        return page_of(query, model, Cursor(), size=size)
    has_more = len(rows) > size
    rows = rows[:size]
    if goes_up:
        rows.reverse()
    has_newer, has_older = (has_more, True) if goes_up else (at is not None, has_more)
    return Page(
        rows=rows,
        older=_public_id(rows[-1]) if rows and has_older else None,
        newer=_public_id(rows[0]) if rows and has_newer else None,
    )


def _public_id(row: Any) -> str:
    return str(row.public_id)
