"""Tracking: clicks of people who agreed to be counted, and of nobody else.

Enters: a campaign whose clicks are counted, and somebody who follows one of its links.
Leaves: the links that are led through us, where each leads, and one row for each click that may be kept.
Always holds: without a consent to measuring that stands at this moment nothing is written; whoever follows
a link arrives all the same; where a link leads is looked up and never carried.
"""

from __future__ import annotations

from mailer.tracking.agreeing import agree, is_agreed, standing_record, stop
from mailer.tracking.counting import Followed, find_followed, forget_clicks, may_count, record_click
from mailer.tracking.links import (
    ClickTokens,
    clicks_at,
    fix_links,
    numbers_of,
    read_stop_token,
    stop_at,
    stop_url,
)
from mailer.tracking.models import Click, CountedLink

__all__ = [
    "Click",
    "ClickTokens",
    "CountedLink",
    "Followed",
    "agree",
    "clicks_at",
    "find_followed",
    "fix_links",
    "forget_clicks",
    "is_agreed",
    "may_count",
    "numbers_of",
    "read_stop_token",
    "record_click",
    "standing_record",
    "stop",
    "stop_at",
    "stop_url",
]
