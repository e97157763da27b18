"""What dead workers left, row by row of the crash table."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailer import delivery, erasures, rights
from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import DeliveryState, Recipient, SendingOwner
from mailer.erasures import AskedBy
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs.recovery import recover
from mailer.jobs.runner import journal_directory
from mailer.jobs.transactional import MessageSettler
from mailer.transport import Journal, Outcome, OutcomeKind
from tests.jobs.conftest import RealParts
from tests.support.make_campaigns import counts_of, deliveries_of, fresh
from tests.support.restoring import copy_rows, restore_rows
from tests.support.waiting import wait_for

DEAD = "bulk-elsewhere-1-dead"


def _answer(key: str, kind: OutcomeKind, code: int, text: str) -> Outcome:
    return Outcome(
        key=key,
        kind=kind,
        code=code,
        enhanced=None,
        text=text,
        relay="relay.test:25",
        at=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
        stage="body",
        tls=True,
    )


def _expire() -> None:
    with unit_of_work():
        db.session.execute(sa.update(SendingOwner).values(lease_until=now() - timedelta(hours=1)))


def _claim(campaign_id: int, people: int) -> Sequence[Recipient]:
    with unit_of_work():
        delivery.plan(campaign_id)
        return delivery.claim(campaign_id, DEAD, limit=people).recipients


def _die_with_a_journal(directory: str, keys: list[str]) -> None:
    """A process that notes what it does and is gone: the first four keys got as far as they tell."""
    journal = Journal.open(Path(directory), DEAD)
    for key in keys[:4]:
        journal.sent(key)
    journal.answered(keys[0], _answer(keys[0], OutcomeKind.ACCEPTED, 250, "2.0.0 taken"))
    journal.answered(keys[1], _answer(keys[1], OutcomeKind.REFUSED, 554, "5.6.0 spam"))
    journal.answered(keys[2], _answer(keys[2], OutcomeKind.DEFERRED, 451, "4.3.0 later"))


def _leave_journal(keys: list[str]) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_die_with_a_journal, args=(str(journal_directory()), keys)
    )
    process.start()
    process.join(30)
    assert process.exitcode == 0


@pytest.mark.requirement("E-093")
def test_a_dead_workers_journal_settles_what_it_knows(service: RealParts) -> None:
    campaign = service.start_campaign(6)
    claimed = _claim(campaign.id, 5)
    _leave_journal([one.key for one in claimed])
    assert recover([delivery, MessageSettler()]) == 5
    rows = deliveries_of(campaign)
    assert [row.state for row in rows] == [
        DeliveryState.ACCEPTED,
        DeliveryState.REFUSED,
        DeliveryState.DEFERRED,
        DeliveryState.UNCERTAIN,
        DeliveryState.PLANNED,
        DeliveryState.PLANNED,
    ]
    assert (rows[0].reply_code, rows[0].reply_text) == (250, "2.0.0 taken")
    assert [row.attempts for row in rows] == [1, 1, 1, 1, 0, 0]
    assert rows[2].due_at == datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    assert rows[3].reply_text == "The sending process ended before the answer came."
    assert list(journal_directory().iterdir()) == []


def test_recovering_twice_changes_nothing(service: RealParts) -> None:
    campaign = service.start_campaign(5)
    claimed = _claim(campaign.id, 5)
    keys = [one.key for one in claimed]
    _leave_journal(keys)
    path = journal_directory() / f"{DEAD}.journal"
    content = path.read_bytes()
    recover([delivery])
    before = [(row.state, row.attempts, row.settled_at) for row in deliveries_of(campaign)]
    path.write_bytes(content)  # as if the process had died before it removed the journal
    assert recover([delivery]) == 0
    assert [(row.state, row.attempts, row.settled_at) for row in deliveries_of(campaign)] == before


def test_a_living_worker_is_left_alone(service: RealParts) -> None:
    campaign = service.start_campaign(3)
    with unit_of_work():
        delivery.plan(campaign.id)
        delivery.claim(campaign.id, DEAD, limit=3)
    _expire()
    journal = Journal.open(journal_directory(), DEAD)
    assert recover([delivery]) == 0
    assert counts_of(campaign) == {DeliveryState.CLAIMED: 3}
    journal.close()


def test_a_lease_without_a_journal_ends_in_uncertainty(service: RealParts) -> None:
    campaign = service.start_campaign(3)
    _claim(campaign.id, 3)
    assert recover([delivery]) == 0  # the lease still runs
    _expire()
    assert recover([delivery]) == 3
    assert counts_of(campaign) == {DeliveryState.UNCERTAIN: 3}


def test_an_answer_after_the_lease_still_counts(service: RealParts) -> None:
    campaign = service.start_campaign(2)
    claimed = _claim(campaign.id, 2)
    _expire()
    recover([delivery])
    kinds = [(OutcomeKind.ACCEPTED, 250), (OutcomeKind.UNSENT, 421)]
    results = [
        delivery.result_of(
            one.delivery_id, 0, _answer(one.key, kind, code, "said"), batch_id=one.batch_id
        )
        for one, (kind, code) in zip(claimed, kinds, strict=True)
    ]
    with unit_of_work():
        delivery.settle(DEAD, results)
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 1, DeliveryState.UNCERTAIN: 1}


def test_nobody_settles_what_another_worker_holds(service: RealParts) -> None:
    campaign = service.start_campaign(1)
    [mine] = _claim(campaign.id, 1)
    answer = _answer(mine.key, OutcomeKind.ACCEPTED, 250, "taken")
    with unit_of_work():
        for batch_id in (mine.batch_id, 0):
            result = delivery.result_of(mine.delivery_id, 0, answer, batch_id=batch_id)
            delivery.settle("bulk-somebody-else", [result], done=[mine.batch_id])
        delivery.release("bulk-somebody-else", [mine.delivery_id])
    assert counts_of(campaign) == {DeliveryState.CLAIMED: 1}


@pytest.mark.requirement("E-093")
def test_a_worker_that_starts_takes_over_what_its_own_kind_left(service: RealParts) -> None:
    campaign = service.start_campaign(6)
    claimed = _claim(campaign.id, 5)
    _leave_journal([one.key for one in claimed])
    assert recover([MessageSettler()], "first-") == 0
    assert [path.stem for path in journal_directory().iterdir()] == [DEAD]
    with service.worker("--queue", "bulk"):
        # One was refused for the time being, and two had not had their turn.
        wait_for(lambda: counts_of(campaign)[DeliveryState.ACCEPTED] == 4)
    assert sorted(service.received) == [service.people[number] for number in (2, 4, 5)]
    rows = deliveries_of(campaign)
    assert (rows[0].state, rows[0].reply_text) == (DeliveryState.ACCEPTED, "2.0.0 taken")
    assert [rows[1].state, rows[3].state] == [DeliveryState.REFUSED, DeliveryState.UNCERTAIN]


@pytest.mark.requirement("C-092")
def test_whoever_a_backup_brought_back_is_erased_before_anything_is_sent(
    service: RealParts,
) -> None:
    service.start_campaign(3)
    backup = copy_rows()
    with unit_of_work():
        contact = db.session.scalars(sa.select(Contact).order_by(Contact.id)).first()
        assert contact is not None
        rights.erase(contact, asked_by=AskedBy.PERSON, evidence={"method": "test"})
    restore_rows(service.app, backup)
    campaign = db.session.scalars(sa.select(Campaign)).one()
    with service.worker("--queue", "bulk") as bulk, service.worker("--queue", "first") as first:
        wait_for(lambda: fresh(campaign).state is CampaignState.SENT)
        assert bulk.is_alive
        assert first.is_alive
    assert sorted(service.received) == service.people[1:]
    assert erasures.list_unapplied() == []
