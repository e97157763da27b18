"""What happens to campaigns, told after the commit. Each carries the row id of its campaign."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.foundation.events import Event


@dataclass(frozen=True, slots=True)
class CampaignStarted(Event):
    """A campaign began to be sent."""

    campaign_id: int


@dataclass(frozen=True, slots=True)
class CampaignPaused(Event):
    """A campaign was stopped for the time being, by somebody or by us."""

    campaign_id: int


@dataclass(frozen=True, slots=True)
class CampaignResumed(Event):
    """A paused campaign goes on."""

    campaign_id: int


@dataclass(frozen=True, slots=True)
class CampaignCancelled(Event):
    """A campaign was ended before everybody had it."""

    campaign_id: int


@dataclass(frozen=True, slots=True)
class CampaignFinished(Event):
    """Everybody of the audience is settled."""

    campaign_id: int
