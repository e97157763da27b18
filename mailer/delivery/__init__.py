"""Delivery: from a campaign's audience to one settled row for everybody in it.

Enters: a campaign that is being sent, and what the relay answered.
Leaves: mails to hand over, and for each person one state with the reply or the reason.
Always holds: at most one row per contact and campaign, citing the consent that allows it; a row is sent by
one owner only, and consent is asked in the statement that claims it; accepted is not delivered; what
may have been sent but was not answered is uncertain and never sent again by itself.
"""

from __future__ import annotations

from mailer.delivery.advice import advise, why_paused, why_slow, why_stuck
from mailer.delivery.alarm import Alarm, Everywhere, Heard, Series
from mailer.delivery.bounces import note_service_bounce
from mailer.delivery.claiming import Claim, claim
from mailer.delivery.composing import Composer
from mailer.delivery.forgetting import forget_counting, forget_replies
from mailer.delivery.giving_back import find_last_series, give_back
from mailer.delivery.links import message_id, notice_url
from mailer.delivery.looking import Lookout, Standing
from mailer.delivery.models import Delivery, SendingOwner
from mailer.delivery.outcomes import (
    AGAIN_AT_THE_RELAY,
    Result,
    Retries,
    asks_to_wait,
    is_about_the_address,
    is_about_the_sender,
    result_of,
    series_of,
    uncertain,
    unrenderable,
    unsent,
)
from mailer.delivery.owners import LEASE, extend_lease, leave
from mailer.delivery.pacing import Pacer, Wait
from mailer.delivery.planning import plan
from mailer.delivery.reasons import why
from mailer.delivery.recipients import KEY_PREFIX, Recipient
from mailer.delivery.recovering import expire_leases, settle_owner
from mailer.delivery.resending import count_left_out, resend_left_out, resend_uncertain
from mailer.delivery.retrying import retries
from mailer.delivery.settling import settle
from mailer.delivery.standing import (
    count_states,
    has_due,
    list_finished,
    list_sending,
    release,
    skip_cancelled,
)
from mailer.delivery.states import DeliveryState, SkipReason
from mailer.delivery.tallies import forget as forget_alarm
from mailer.delivery.tallies import share as share_heard
from mailer.delivery.testing import Shown, preview, send_test

__all__ = [
    "AGAIN_AT_THE_RELAY",
    "KEY_PREFIX",
    "LEASE",
    "Alarm",
    "Claim",
    "Composer",
    "Delivery",
    "DeliveryState",
    "Everywhere",
    "Heard",
    "Lookout",
    "Pacer",
    "Recipient",
    "Result",
    "Retries",
    "SendingOwner",
    "Series",
    "Shown",
    "SkipReason",
    "Standing",
    "Wait",
    "advise",
    "asks_to_wait",
    "claim",
    "count_left_out",
    "count_states",
    "expire_leases",
    "extend_lease",
    "find_last_series",
    "forget_alarm",
    "forget_counting",
    "forget_replies",
    "give_back",
    "has_due",
    "is_about_the_address",
    "is_about_the_sender",
    "leave",
    "list_finished",
    "list_sending",
    "message_id",
    "note_service_bounce",
    "notice_url",
    "plan",
    "preview",
    "release",
    "resend_left_out",
    "resend_uncertain",
    "result_of",
    "retries",
    "send_test",
    "series_of",
    "settle",
    "settle_owner",
    "share_heard",
    "skip_cancelled",
    "uncertain",
    "unrenderable",
    "unsent",
    "why",
    "why_paused",
    "why_slow",
    "why_stuck",
]
