"""Tables: campaigns and the lists they go to."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.campaigns.states import CampaignState
from mailer.foundation.clock import now
from mailer.foundation.database import Model, enum_column
from mailer.foundation.ids import new_id
from mailer.rendering import BodyFormat


class Campaign(Model):
    """One message to one audience. `revision` counts saves, so that two editors do not overwrite each other."""

    __tablename__ = "campaigns"
    __table_args__ = (sa.Index(None, "organisation_id", "id"), sa.Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        sa.String(40), unique=True, default=lambda: new_id("cmp")
    )
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id"))
    sender_id: Mapped[int | None] = mapped_column(sa.ForeignKey("senders.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    subject: Mapped[str] = mapped_column(sa.String(500), default="")
    preheader: Mapped[str] = mapped_column(sa.String(500), default="")
    body_format: Mapped[BodyFormat] = mapped_column(
        enum_column(BodyFormat), default=BodyFormat.MARKDOWN
    )
    body: Mapped[str] = mapped_column(sa.Text, default="")
    has_automatic_footer: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(sa.String(10), default="en")
    counts_clicks: Mapped[bool] = mapped_column(
        default=False, server_default=sa.false()
    )  # of people who agreed to it
    state: Mapped[CampaignState] = mapped_column(
        enum_column(CampaignState), default=CampaignState.DRAFT
    )
    revision: Mapped[int] = mapped_column(sa.Integer, default=1)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("accounts.id"))
    scheduled_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    planned_at: Mapped[datetime | None]  # set once the whole audience has its rows
    planned_through: Mapped[int] = mapped_column(default=0)  # contact id the planning has reached
    claimed_through: Mapped[int] = mapped_column(
        default=0, server_default="0"
    )  # contact id up to which everybody has had a first turn
    finished_at: Mapped[datetime | None]
    held_because: Mapped[str] = mapped_column(
        sa.Text, default=""
    )  # why sending waits, in a sentence
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class CampaignList(Model):
    """A list that a campaign goes to."""

    __tablename__ = "campaign_lists"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    mailing_list_id: Mapped[int] = mapped_column(
        sa.ForeignKey("mailing_lists.id"), primary_key=True, index=True
    )
