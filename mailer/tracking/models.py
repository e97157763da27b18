"""Tables: where the counted links of a campaign lead, and who followed which of them when."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model


class CountedLink(Model):
    """One address that links of a campaign lead to, under its number; fixed when the campaign begins."""

    __tablename__ = "counted_links"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    target: Mapped[str] = mapped_column(sa.Text)


class Click(Model):
    """Somebody who agreed to be counted followed a link: no network address, no browser."""

    __tablename__ = "clicks"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["campaign_id", "number"], ["counted_links.campaign_id", "counted_links.number"]
        ),
        sa.Index(None, "campaign_id", "number"),
        sa.Index(None, "contact_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int]
    number: Mapped[int] = mapped_column(sa.Integer)
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    clicked_at: Mapped[datetime] = mapped_column(default=now)
