"""Reports: read-only answers that go across rooms.

Enters: a campaign, a person.
Leaves: figures and lines to show; addresses in lists are masked.
Always holds: nothing is written; the figures of a campaign add up to its audience.
"""

from __future__ import annotations

from mailer.reports.audiences import count_audiences
from mailer.reports.campaign_figures import CampaignReport, Refusal, campaign_report
from mailer.reports.clicks import ClickReport, LinkClicks, click_report
from mailer.reports.person_report import (
    MailTo,
    bounced_mails,
    list_mails_to,
)
from mailer.reports.recipients import DeliveryLine, list_deliveries

__all__ = [
    "CampaignReport",
    "ClickReport",
    "DeliveryLine",
    "LinkClicks",
    "MailTo",
    "Refusal",
    "bounced_mails",
    "campaign_report",
    "click_report",
    "count_audiences",
    "list_deliveries",
    "list_mails_to",
]
