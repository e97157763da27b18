"""Withdrawal beats speed: who was told that they are unsubscribed gets no mail a second later.

The same holds for a campaign that was paused or cancelled; and all of it without Redis too.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from mailer import campaigns, subscriptions
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState, SkipReason
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.make_audience import contact_of
from tests.support.make_campaigns import counts_of, deliveries_of, fresh
from tests.support.redis_server import run_redis
from tests.support.scripted_smtp import Session
from tests.support.waiting import wait_for

LIMIT_SECONDS = 1.0
PEOPLE, LEAVERS = 4_000, 60
PAUSES = 3


class _Arrivals:
    """When each mail's final dot arrived."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def __call__(self, session: Session) -> bytes:
        self.at[session.rcpt_to] = time.monotonic()
        threading.Event().wait(0.002)
        return b"250 2.0.0 taken\r\n"


def _wake(has_redis: bool) -> None:
    """As the clock does again and again; without Redis a worker looks for itself."""
    if has_redis:
        waking.wake_drains()


def _leave(service: RealParts, campaign: Campaign, address: str) -> float:
    """Unsubscribe with one click, as a mailbox provider does; when the answer was there."""
    contact = contact_of(address)
    url = subscriptions.unsubscribe_url(
        contact.public_id, service.mailing_list.public_id, campaign.public_id
    )
    answer = service.app.test_client().post(
        url.removeprefix(settings().public_url), data={"List-Unsubscribe": "One-Click"}
    )
    assert answer.status_code == 200
    return time.monotonic()


@pytest.mark.requirement("C-061")
@pytest.mark.parametrize("has_redis", [True, False], ids=["with Redis", "without Redis"])
def test_nobody_is_mailed_a_second_after_they_were_told_that_they_left(
    service: RealParts, has_redis: bool
) -> None:
    arrivals = _Arrivals()
    service.smtp.reactions["dot"] = arrivals
    campaign = service.start_campaign(PEOPLE)
    chance = random.Random(7)
    left: dict[str, float] = {}
    with ExitStack() as running:
        if has_redis:
            running.enter_context(run_redis(service.directory / "redis"))
        running.enter_context(service.worker("--queue", "bulk"))
        wait_for(lambda: _wake(has_redis) or len(arrivals.at) >= 50, timeout=40)
        while len(left) < LEAVERS and fresh(campaign).state is CampaignState.SENDING:
            address = chance.choice(service.people)
            if address not in left and address not in arrivals.at:
                left[address] = _leave(service, campaign, address)
        wait_for(
            lambda: _wake(has_redis) or fresh(campaign).state is CampaignState.SENT, timeout=90
        )
    late = {
        address: arrivals.at[address] - at
        for address, at in left.items()
        if address in arrivals.at and arrivals.at[address] > at
    }
    assert len(left) >= LEAVERS / 2
    assert max(late.values(), default=0.0) < LIMIT_SECONDS
    counts = counts_of(campaign)
    assert counts.total() == PEOPLE
    assert counts[DeliveryState.ACCEPTED] == len(arrivals.at)
    skipped = [one for one in deliveries_of(campaign) if one.state is DeliveryState.SKIPPED]
    assert {one.skip_reason for one in skipped} == {SkipReason.WITHDRAWN}
    assert len(skipped) == len(left.keys() - arrivals.at.keys()) > 0


def _order(campaign: Campaign, act: Callable[[Campaign], object]) -> float:
    """Do something to the campaign as a team member does; when it was done."""
    with unit_of_work():
        act(campaigns.get_campaign_by_id(campaign.id))
    return time.monotonic()


@pytest.mark.parametrize("has_redis", [True, False], ids=["with Redis", "without Redis"])
def test_a_campaign_is_quiet_a_second_after_it_was_paused_or_cancelled(
    service: RealParts, has_redis: bool
) -> None:
    arrivals = _Arrivals()
    service.smtp.reactions["dot"] = arrivals
    campaign = service.start_campaign(PEOPLE)
    chance = random.Random(11)
    late: list[float] = []
    with ExitStack() as running:
        if has_redis:
            running.enter_context(run_redis(service.directory / "redis"))
        running.enter_context(service.worker("--queue", "bulk"))
        for act in [campaigns.pause] * PAUSES + [campaigns.cancel]:
            enough = len(arrivals.at) + chance.randrange(50, 400)
            wait_for(
                lambda: _wake(has_redis) or len(arrivals.at) >= enough,  # noqa: B023  # awaited at once
                timeout=40,
            )
            ordered_at = _order(campaign, act)
            wait_for(lambda: counts_of(campaign)[DeliveryState.CLAIMED] == 0, timeout=40)
            late.append(max(arrivals.at.values()) - ordered_at)
            if act is campaigns.pause:
                _order(campaign, campaigns.resume)
        wait_for(
            lambda: _wake(has_redis) or counts_of(campaign)[DeliveryState.PLANNED] == 0, timeout=40
        )
    assert max(late) < LIMIT_SECONDS
    counts = counts_of(campaign)
    assert counts[DeliveryState.ACCEPTED] == len(arrivals.at) < PEOPLE
    assert counts[DeliveryState.ACCEPTED] + counts[DeliveryState.SKIPPED] == counts.total()
