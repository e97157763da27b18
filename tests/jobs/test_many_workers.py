"""Several workers on one campaign: one killed, one cut off, one rate; and service mail beside them."""

from __future__ import annotations

import os
import signal
import threading
import time
from bisect import bisect
from collections import Counter
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from mailer import delivery
from mailer.campaigns import CampaignState
from mailer.delivery import DeliveryState, LimitDraft, LimitKind, SendingOwner
from mailer.devkit import EmbeddedRedis
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.factories import make_form, make_request, submission
from tests.support.make_campaigns import counts_of, deliveries_of, fresh
from tests.support.scripted_smtp import Session
from tests.support.waiting import wait_for

TAKEN = b"250 2.0.0 taken\r\n"
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _slowly(_: Session) -> bytes:
    threading.Event().wait(0.04)
    return TAKEN


def _lease_over(owners: list[str]) -> None:
    with unit_of_work():
        db.session.execute(
            sa.update(SendingOwner).where(SendingOwner.owner.in_(owners)).values(lease_until=now())
        )


def _owners() -> dict[int, str]:
    """Who has mails in hand, by process id, which is part of the name."""
    db.session.rollback()
    names = db.session.scalars(sa.text("SELECT DISTINCT owner FROM sending_batches")).all()
    db.session.rollback()
    return {int(name.split("-")[-2]): name for name in names}


@on_postgresql
@pytest.mark.requirement("E-093")
def test_one_killed_and_one_cut_off_cost_nobody_a_mail_and_double_none(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    service.environ["MAILER_WORKER_COUNT"] = "3"
    service.smtp.reactions["dot"] = _slowly
    people = 3_000
    campaign = service.start_campaign(people)
    with ExitStack() as running:
        workers = [
            running.enter_context(service.worker("--queue", "bulk", "--slot", str(slot)))
            for slot in range(3)
        ]
        killed, cut_off, _ = workers
        for slot in range(3):
            waking.wake_drain(slot)
        pids = {worker.process.pid for worker in workers}
        wait_for(lambda: pids <= _owners().keys(), timeout=60)
        killed.kill()
        os.kill(cut_off.process.pid, signal.SIGSTOP)
        # Another host finds its lease over; its journal is out of reach there.
        _lease_over([_owners()[cut_off.process.pid]])
        with unit_of_work():
            given_up = delivery.expire_leases([])
        assert given_up > 0
        os.kill(cut_off.process.pid, signal.SIGCONT)
        running.enter_context(
            service.worker("--queue", "bulk", "--slot", "0")
        )  # settles the killed
        wait_for(
            lambda: waking.wake_drain(2) or fresh(campaign).state is CampaignState.SENT, timeout=90
        )
    arrived = Counter(service.received)
    assert max(arrived.values()) == 1
    counts = counts_of(campaign)
    assert counts.total() == people
    assert set(counts) == {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
    uncertain = [row for row in deliveries_of(campaign) if row.state is DeliveryState.UNCERTAIN]
    assert len(uncertain) <= given_up + 4
    assert counts[DeliveryState.ACCEPTED] <= len(arrived) <= people


@on_postgresql
@pytest.mark.requirement("E-065")
def test_three_workers_together_keep_to_one_rate(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    service.environ["MAILER_WORKER_COUNT"] = "3"
    times: list[float] = []

    def note(_: Session) -> bytes:
        times.append(time.monotonic())
        return TAKEN

    service.smtp.reactions["dot"] = note
    with unit_of_work():
        draft = LimitDraft(LimitKind.ORGANISATION, "", 6_000, None, None)
        delivery.set_limit(service.organisation, draft)
    campaign = service.start_campaign(6_000)
    with ExitStack() as running:
        for slot in range(3):
            running.enter_context(service.worker("--queue", "bulk", "--slot", str(slot)))
            waking.wake_drain(slot)
        wait_for(lambda: len(_owners()) == 3, timeout=60)
        began = len(times)
        wait_for(lambda: len(times) >= began + 1_800, timeout=60)
        assert counts_of(campaign)[DeliveryState.PLANNED] > 0
    # Whatever else the machine does: the fastest ten seconds are as fast as is allowed, not faster.
    steady = times[began:]
    fastest = max(bisect(steady, at + 10) - number for number, at in enumerate(steady))
    assert fastest / 10 == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_confirmation_does_not_wait_behind_a_campaign(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    """The relay is so slow that the campaign lasts for minutes; the confirmation is there at once."""

    def slow_for_campaigns(session: Session) -> bytes:
        if session.rcpt_to.startswith("reader"):
            threading.Event().wait(0.5)
        return TAKEN

    service.smtp.reactions["dot"] = slow_for_campaigns
    form = make_form(service.organisation, service.mailing_list)
    service.start_campaign(1_000)
    with service.worker("--queue", "bulk"), service.worker("--queue", "first"):
        waking.wake_drains()
        wait_for(lambda: len(service.smtp.received) >= 8, timeout=60)
        given = submission(service.organisation, form, service.mailing_list)
        began = time.monotonic()
        make_request(given)
        waking.wake_send_due()
        wait_for(lambda: "cleo@example.org" in service.received, timeout=30)
        assert time.monotonic() - began < 10
        assert len(service.received) < 1_000
