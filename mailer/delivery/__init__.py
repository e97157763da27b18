"""Delivery: from a campaign's audience to one settled row for everybody in it.

Enters: a campaign that is being sent, and what the relay answered.
Leaves: mails to hand over, and for each person one state with the reply or the reason.
Always holds: at most one row per contact and campaign, citing the consent that allows it; a row is sent by
one owner only, and consent is asked in the statement that claims it; accepted is not delivered; what
may have been sent but was not answered is uncertain and never sent again by itself.
"""

from __future__ import annotations

from mailer.delivery.alarm import Alarm
from mailer.delivery.claiming import (
    KEY_PREFIX,
    LEASE,
    Claim,
    Recipient,
    Standing,
    claim,
    extend_leases,
    has_due,
    list_finished,
    list_sending,
    look_again,
    release,
    skip_cancelled,
)
from mailer.delivery.composing import Composer
from mailer.delivery.forgetting import forget_replies
from mailer.delivery.links import message_id, notice_url
from mailer.delivery.models import Delivery
from mailer.delivery.outcomes import (
    Result,
    is_about_the_sender,
    result_of,
    uncertain,
    unrenderable,
)
from mailer.delivery.planning import plan
from mailer.delivery.reasons import why
from mailer.delivery.settling import expire_leases, settle, settle_owner
from mailer.delivery.states import DeliveryState, SkipReason
from mailer.delivery.testing import Shown, preview, send_test

__all__ = [
    "KEY_PREFIX",
    "LEASE",
    "Alarm",
    "Claim",
    "Composer",
    "Delivery",
    "DeliveryState",
    "Recipient",
    "Result",
    "Shown",
    "SkipReason",
    "Standing",
    "claim",
    "expire_leases",
    "extend_leases",
    "forget_replies",
    "has_due",
    "is_about_the_sender",
    "list_finished",
    "list_sending",
    "look_again",
    "message_id",
    "notice_url",
    "plan",
    "preview",
    "release",
    "result_of",
    "send_test",
    "settle",
    "settle_owner",
    "skip_cancelled",
    "uncertain",
    "unrenderable",
    "why",
]
