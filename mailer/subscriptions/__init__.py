"""Subscriptions: contact × mailing list, and its life.

Enters: a proof, or a wish to leave.
Leaves: memberships that campaigns may be sent to.
Always holds: active only while citing a given, not ended record for that list (the database refuses
otherwise); leaving always works, at once, and is recorded.
"""

from __future__ import annotations

from mailer.subscriptions.lifecycle import (
    activate,
    invalidate_answers,
    join,
    lock,
    unsubscribe,
    unsubscribe_all,
)
from mailer.subscriptions.links import (
    FreshLink,
    LinkTokens,
    fresh_evidence,
    is_blocked,
    keep_fresh_mail,
    lift_block,
    mail_fresh_link,
    mail_fresh_link_again,
    mail_fresh_link_to,
    preferences_at,
    preferences_url,
    read_expired_fresh_link,
    read_fresh_link,
    read_preferences_token,
    read_unsubscribe_token,
    unsubscribe_at,
    unsubscribe_url,
)
from mailer.subscriptions.models import Subscription, SubscriptionState
from mailer.subscriptions.queries import (
    ListChoice,
    count_active,
    count_origins,
    count_subscribers,
    find_newest_member,
    find_stopped,
    is_active,
    list_choices,
    list_of,
    list_of_each,
)
from mailer.subscriptions.undoing import sign_undo, undo, whose_undo

__all__ = [
    "FreshLink",
    "LinkTokens",
    "ListChoice",
    "Subscription",
    "SubscriptionState",
    "activate",
    "count_active",
    "count_origins",
    "count_subscribers",
    "find_newest_member",
    "find_stopped",
    "fresh_evidence",
    "invalidate_answers",
    "is_active",
    "is_blocked",
    "join",
    "keep_fresh_mail",
    "lift_block",
    "list_choices",
    "list_of",
    "list_of_each",
    "lock",
    "mail_fresh_link",
    "mail_fresh_link_again",
    "mail_fresh_link_to",
    "preferences_at",
    "preferences_url",
    "read_expired_fresh_link",
    "read_fresh_link",
    "read_preferences_token",
    "read_unsubscribe_token",
    "sign_undo",
    "undo",
    "unsubscribe",
    "unsubscribe_all",
    "unsubscribe_at",
    "unsubscribe_url",
    "whose_undo",
]
