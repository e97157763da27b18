"""Table: whom we must not mail, and why; holds digests, so it outlives an erasure."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, Moment, RowId, enum_column
from mailer.foundation.ids import new_id
from mailer.suppression.states import Reason, Scope

# A view of the database: which entry stands against which consent (C-082, C-083). Whoever asks that asks here.
SUPPRESSED_CONSENTS = sa.table(
    "suppressed_consents",
    sa.column("organisation_id", RowId),
    sa.column("address_digest", sa.String()),
    sa.column("consent_id", RowId),
    sa.column("entry_id", RowId),
    sa.column("reason", enum_column(Reason)),
    sa.column("created_at", Moment()),
)


class SuppressionEntry(Model):
    """An address digest we must not mail (C-080). A consent given after a MARKETING entry outranks it.

    `created_at` is when that was asked for. Where nobody knows (`is_undated`), only a consent that was
    confirmed here outranks the entry.
    """

    __tablename__ = "suppression_entries"
    __table_args__ = (sa.Index(None, "organisation_id", "address_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("sup")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    address_digest: Mapped[str] = mapped_column(sa.String(64))
    scope: Mapped[Scope] = mapped_column(enum_column(Scope))
    reason: Mapped[Reason] = mapped_column(enum_column(Reason))
    created_at: Mapped[datetime] = mapped_column(default=now)
    is_undated: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    lifted_at: Mapped[datetime | None]
