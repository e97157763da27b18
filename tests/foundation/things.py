"""A table of the tests' own: events and rows of a room nobody else knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mailer.foundation.database import Moment, RowId
from mailer.foundation.events import Event


class Apart(DeclarativeBase):
    """Not our Model: what migrations know must not learn of this table."""


class Thing(Apart):
    __tablename__ = "things_of_tests"
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(64), unique=True)
    at: Mapped[datetime | None] = mapped_column(Moment())


@dataclass(frozen=True, slots=True)
class ThingMade(Event):
    public_id: str
