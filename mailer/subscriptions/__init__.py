"""Subscriptions: contact × mailing list, and its life.

Enters: a proof, or a wish to leave.
Leaves: memberships that campaigns may be sent to.
Always holds: active only while citing a given, not ended record for that list (the database refuses
otherwise); leaving always works, at once, and is recorded.
"""

from __future__ import annotations

from mailer.subscriptions.lifecycle import (
    activate,
    invalidate,
    join,
    lock,
    unsubscribe,
    unsubscribe_all,
)
from mailer.subscriptions.links import (
    LinkTokens,
    find_by_unsubscribe_token,
    preferences_at,
    preferences_url,
    read_preferences_token,
    unsubscribe_at,
    unsubscribe_url,
)
from mailer.subscriptions.models import Subscription
from mailer.subscriptions.queries import (
    ListChoice,
    count_active,
    count_origins,
    count_subscribers,
    find_newest_member,
    is_active,
    list_choices,
    list_of,
    list_of_each,
)
from mailer.subscriptions.states import SubscriptionState

__all__ = [
    "LinkTokens",
    "ListChoice",
    "Subscription",
    "SubscriptionState",
    "activate",
    "count_active",
    "count_origins",
    "count_subscribers",
    "find_by_unsubscribe_token",
    "find_newest_member",
    "invalidate",
    "is_active",
    "join",
    "list_choices",
    "list_of",
    "list_of_each",
    "lock",
    "preferences_at",
    "preferences_url",
    "read_preferences_token",
    "unsubscribe",
    "unsubscribe_all",
    "unsubscribe_at",
    "unsubscribe_url",
]
