"""The chores of the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from rq import Queue

from mailer import campaigns, selfaudit
from mailer.campaigns import Campaign, CampaignState
from mailer.devkit import EmbeddedRedis
from mailer.foundation import queue
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import upkeep
from mailer.jobs.schedule import CHORES, Calendar
from tests.jobs.conftest import RealParts
from tests.support.make_audience import make_people
from tests.support.make_campaigns import fresh, make_draft
from tests.support.watching import counted_while_writing


def _make_due(campaign: Campaign) -> None:
    with unit_of_work():
        campaigns.schedule(campaign, now() + timedelta(hours=1))
    with unit_of_work():
        db.session.execute(sa.update(Campaign).values(scheduled_at=now()))


def test_a_scheduled_campaign_starts_when_its_time_has_come(service: RealParts) -> None:
    make_people(service.mailing_list, 3)
    draft = make_draft(service.organisation, service.mailing_list)
    with unit_of_work():
        campaigns.schedule(draft, now() + timedelta(hours=1))
    upkeep.wake()
    assert fresh(draft).state is CampaignState.SCHEDULED
    with unit_of_work():
        db.session.execute(sa.update(Campaign).values(scheduled_at=now()))
    with counted_while_writing() as counted:
        upkeep.wake()
    assert fresh(draft).state is CampaignState.SENDING
    assert counted == []


def test_a_scheduled_campaign_that_may_not_start_says_why(service: RealParts) -> None:
    make_people(service.mailing_list, 3)
    draft = make_draft(service.organisation, service.mailing_list)
    _make_due(draft)
    with unit_of_work():
        db.session.execute(sa.update(Campaign).values(sender_id=None))
    upkeep.wake()
    held = fresh(draft)
    assert held.state is CampaignState.DRAFT
    assert held.scheduled_at is None
    assert held.held_because == ("It was not started at the time you chose. No sender is chosen.")


def test_workers_are_woken_where_rows_are_due(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    upkeep.wake()
    assert _waiting(queue.BULK) == []
    service.start_campaign(3)
    [job] = _waiting(queue.BULK)
    assert job.startswith("drain-0-")


def test_the_queue_does_not_fill_up_while_no_worker_is_there(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    service.start_campaign(3)
    for second in range(30):
        queue.enqueue(queue.BULK, "mailer.jobs.delivery.drain", 0, job_id=f"drain-0-{second}")
    before = len(_waiting(queue.BULK))
    upkeep.wake()
    assert len(_waiting(queue.BULK)) == before


def test_each_chore_is_due_once_in_its_time() -> None:
    calendar, every_second = Calendar(), ["wake", "advance_imports"]
    assert [chore.name for chore in calendar.due(1000.0)] == [chore.name for chore in CHORES]
    assert calendar.due(1000.9) == []
    assert [chore.name for chore in calendar.due(1001.0)] == every_second
    every_ten = [*every_second, "recover", "audit", "look_up_domains"]
    assert [chore.name for chore in calendar.due(1010.0)] == every_ten
    assert [chore.name for chore in calendar.due(1020.0)] == [*every_ten, "expire"]


def _waiting(name: str) -> list[str]:
    return Queue(name, connection=queue.connection()).job_ids


@pytest.mark.requirement("T-022")
def test_the_audit_runs_once_a_night_and_tells_what_it_found(service: RealParts) -> None:
    upkeep.audit()
    first = selfaudit.find_newest()
    assert first is not None
    assert first.finished_at is not None
    upkeep.audit()
    assert selfaudit.find_newest() == first
    with unit_of_work():
        db.session.execute(
            sa.text("UPDATE self_audits SET started_at = :at").bindparams(
                sa.bindparam("at", now() - timedelta(days=1), sa.DateTime(timezone=True))
            )
        )
    upkeep.audit()
    second = selfaudit.find_newest()
    assert second is not None
    assert second.id != first.id
