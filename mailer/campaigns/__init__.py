"""Campaigns: one message to one audience, from draft to sent.

Enters: what an author writes, the lists it goes to, and the word to start, pause, resume or cancel.
Leaves: a campaign that may be sent, and the rule that says to whom.
Always holds: only drafts change; each step happens once, whoever clicks twice; nothing starts that lacks
a subject, a sender, an unsubscribe link, an imprint or recipients.
"""

from __future__ import annotations

from mailer.campaigns import checks
from mailer.campaigns.audience import (
    AudiencePreview,
    ListCount,
    audience_preview,
    blocks,
    members_of,
)
from mailer.campaigns.checks import Finding, Level
from mailer.campaigns.clicks import countable_links
from mailer.campaigns.drafting import (
    CampaignDraft,
    archive_campaign,
    change_campaign,
    content_of,
    create_campaign,
    delete_campaign,
    duplicate_campaign,
    find_campaign,
    get_campaign,
    get_campaign_by_id,
    list_campaigns,
    lists_of,
)
from mailer.campaigns.events import (
    CampaignCancelled,
    CampaignFinished,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
)
from mailer.campaigns.lifecycle import (
    cancel,
    clear_hold,
    finish,
    hold,
    list_due,
    pause,
    reopen,
    resume,
    schedule,
    start,
    start_scheduled,
    unschedule,
)
from mailer.campaigns.models import Campaign, CampaignList
from mailer.campaigns.states import CampaignState, Step

__all__ = [
    "AudiencePreview",
    "Campaign",
    "CampaignCancelled",
    "CampaignDraft",
    "CampaignFinished",
    "CampaignList",
    "CampaignPaused",
    "CampaignResumed",
    "CampaignStarted",
    "CampaignState",
    "Finding",
    "Level",
    "ListCount",
    "Step",
    "archive_campaign",
    "audience_preview",
    "blocks",
    "cancel",
    "change_campaign",
    "checks",
    "clear_hold",
    "content_of",
    "countable_links",
    "create_campaign",
    "delete_campaign",
    "duplicate_campaign",
    "find_campaign",
    "finish",
    "get_campaign",
    "get_campaign_by_id",
    "hold",
    "list_campaigns",
    "list_due",
    "lists_of",
    "members_of",
    "pause",
    "reopen",
    "resume",
    "schedule",
    "start",
    "start_scheduled",
    "unschedule",
]
