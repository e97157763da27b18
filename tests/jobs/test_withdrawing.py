"""Withdrawal beats speed: who was told that they are unsubscribed gets no mail a second later."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack

import pytest

from mailer import subscriptions
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState, SkipReason
from mailer.foundation.context import settings
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.make_audience import contact_of
from tests.support.make_campaigns import counts_of, deliveries_of, fresh
from tests.support.redis_server import run_redis
from tests.support.scripted_smtp import Session
from tests.support.waiting import wait_for

LIMIT_SECONDS = 1.0
PEOPLE, LEAVERS = 4_000, 60


class _Arrivals:
    """When each mail's final dot arrived."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def __call__(self, session: Session) -> bytes:
        self.at[session.rcpt_to] = time.monotonic()
        threading.Event().wait(0.002)
        return b"250 2.0.0 taken\r\n"


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
        if has_redis:
            waking.wake_drains()
        wait_for(lambda: len(arrivals.at) >= 50, timeout=40)
        while len(left) < LEAVERS and fresh(campaign).state is CampaignState.SENDING:
            address = chance.choice(service.people)
            if address not in left and address not in arrivals.at:
                left[address] = _leave(service, campaign, address)
        wait_for(lambda: fresh(campaign).state is CampaignState.SENT, timeout=90)
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
