"""Campaigns: one message to one audience, from draft to sent.

Enters: what an author writes, the lists it goes to, and the word to start, pause, resume or cancel.
Leaves: a campaign that may be sent, and the rule that says to whom.
Always holds: only drafts change; each step happens once, whoever clicks twice; nothing starts that lacks
a subject, a sender, an unsubscribe link, an imprint or recipients.
"""

from __future__ import annotations

from mailer.campaigns import checks
from mailer.campaigns.audience import (
    REACHED,
    UNRENDERABLE,
    AudiencePreview,
    ListCount,
    Place,
    audience_preview,
    judge,
    list_at,
    members_of,
)
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
from mailer.campaigns.send_gate import GATE_COLUMNS, GATE_TABLES, Held, verdict_of
from mailer.campaigns.sender_checks import Finding, Level
from mailer.campaigns.states import Against, CampaignState, Step

__all__ = [
    "GATE_COLUMNS",
    "GATE_TABLES",
    "REACHED",
    "UNRENDERABLE",
    "Against",
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
    "Held",
    "Level",
    "ListCount",
    "Place",
    "Step",
    "archive_campaign",
    "audience_preview",
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
    "judge",
    "list_at",
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
    "verdict_of",
]
