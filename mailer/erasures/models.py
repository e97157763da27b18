"""Table: erasures that were carried out; nothing in it says whose."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id


class AskedBy(StrEnum):
    """Who asked for an erasure, as far as we can tell."""

    PERSON = "person"
    TEAM = "team"
    OPERATOR = "operator"


class Erasure(Model):
    """One erasure, as the log knows it: the commitment is that of the closing receipt.

    `contact_id` names the empty shell that stays of the contact.
    """

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("era")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"), index=True)
    asked_by: Mapped[AskedBy] = mapped_column(enum_column(AskedBy))
    record_count: Mapped[int] = mapped_column(sa.Integer)
    algorithm: Mapped[str] = mapped_column(sa.String(40))
    commitment: Mapped[bytes] = mapped_column(sa.LargeBinary)
    erased_at: Mapped[datetime]
