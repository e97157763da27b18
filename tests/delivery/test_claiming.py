from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import campaigns, consent, delivery, subscriptions
from mailer.consent import About
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from tests.delivery.conftest import Mailing
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import counts_of, deliveries_of

ME = "bulk-here-1"


def _claim(mailing: Mailing, *, owner: str = ME, limit: int = 100) -> delivery.Claim:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        return delivery.claim(mailing.campaign.id, owner, limit=limit)


def test_a_claim_brings_what_a_mail_is_made_of(mailing: Mailing) -> None:
    claim = _claim(mailing, limit=2)
    assert [one.address for one in claim.recipients] == mailing.people[:2]
    assert claim.skipped == 0
    assert claim.recipients[0].values["email"] == mailing.people[0]
    rows = deliveries_of(mailing.campaign)
    assert [row.state for row in rows] == ["claimed", "claimed", "planned"]
    assert rows[0].owner == ME
    assert rows[0].lease_until is not None
    assert rows[0].lease_until > now() + timedelta(minutes=1)


def test_many_workers_claim_every_row_once(app: Flask, mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 397, prefix="more")
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    taken: list[int] = []

    def work(owner: str) -> None:
        with app.app_context():
            while True:
                with unit_of_work():
                    claim = delivery.claim(mailing.campaign.id, owner, limit=7)
                if claim.is_empty:
                    break
                taken.extend(one.delivery_id for one in claim.recipients)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(f"bulk-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 400


@pytest.mark.parametrize("step", ["pause", "cancel"])
def test_a_stopped_campaign_is_not_claimed(mailing: Mailing, step: str) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        getattr(campaigns, step)(campaigns.get_campaign_by_id(mailing.campaign.id))
    with unit_of_work():
        assert delivery.claim(mailing.campaign.id, ME, limit=10).is_empty


@pytest.mark.requirement("C-061")
def test_who_left_since_planning_is_skipped_with_the_reason(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    with unit_of_work():
        leaver = contact_of(mailing.people[0])
        subscriptions.unsubscribe(leaver, mailing.mailing_list, {"act": "link"})
        contact_of(mailing.people[1]).erased_at = now()
    claim = _claim(mailing)
    assert [one.address for one in claim.recipients] == mailing.people[2:]
    assert claim.skipped == 2
    reasons = [row.skip_reason for row in deliveries_of(mailing.campaign)]
    assert reasons == [SkipReason.WITHDRAWN, SkipReason.ERASED, None]


@pytest.mark.requirement("C-061")
def test_who_left_and_came_back_is_not_mailed_on_the_old_consent(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    with unit_of_work():
        contact = contact_of(mailing.people[0])
        subscriptions.unsubscribe(contact, mailing.mailing_list, {"act": "link"})
        subscriptions.join(contact, mailing.mailing_list, {"act": "preferences"})
    assert [one.address for one in _claim(mailing).recipients] == mailing.people[1:]


def test_a_renewed_consent_does_not_end_the_one_a_row_cites(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    with unit_of_work():
        contact = contact_of(mailing.people[0])
        subject = consent.get_subject(contact.subject_id)
        renewed = consent.record_given(subject, About(mailing.mailing_list), {"act": "again"})
        subscriptions.activate(contact, mailing.mailing_list, renewed)
    assert len(_claim(mailing).recipients) == 3


def test_what_is_not_due_yet_waits(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        db.session.execute(sa.update(Delivery).values(due_at=now() + timedelta(minutes=5)))
    assert not delivery.has_due()
    assert _claim(mailing).is_empty


def test_looking_again_finds_who_left_meanwhile(mailing: Mailing) -> None:
    claim = _claim(mailing)
    assert delivery.look_again(ME).refused == frozenset()
    assert delivery.look_again(ME).sending == {mailing.campaign.id}
    with unit_of_work():
        leaver = contact_of(mailing.people[1])
        subscriptions.unsubscribe(leaver, mailing.mailing_list, {"act": "link"})
        campaigns.pause(campaigns.get_campaign_by_id(mailing.campaign.id))
    again = delivery.look_again(ME)
    assert again.refused == {claim.recipients[1].delivery_id}
    assert again.sending == frozenset()


def test_released_rows_are_planned_again_uncounted(mailing: Mailing) -> None:
    claim = _claim(mailing)
    with unit_of_work():
        delivery.release(ME, [one.delivery_id for one in claim.recipients[:2]])
    assert counts_of(mailing.campaign) == {DeliveryState.PLANNED: 2, DeliveryState.CLAIMED: 1}
    assert {row.attempts for row in deliveries_of(mailing.campaign)} == {0}


def test_a_campaign_is_finished_only_when_nobody_is_open(mailing: Mailing) -> None:
    assert delivery.list_finished() == []  # not planned yet
    _claim(mailing)
    assert delivery.list_finished() == []
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(state=DeliveryState.DEFERRED))
    assert delivery.list_finished() == []
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(state=DeliveryState.UNCERTAIN))
    assert delivery.list_finished() == [mailing.campaign.id]


def test_what_is_on_the_wire_when_a_campaign_is_cancelled_settles_first(mailing: Mailing) -> None:
    _claim(mailing, limit=1)
    with unit_of_work():
        campaigns.cancel(campaigns.get_campaign_by_id(mailing.campaign.id))
        assert delivery.skip_cancelled() == 2
        assert delivery.skip_cancelled() == 0
    assert counts_of(mailing.campaign) == {DeliveryState.CLAIMED: 1, DeliveryState.SKIPPED: 2}


def test_leases_are_extended_for_their_owner_alone(mailing: Mailing) -> None:
    _claim(mailing, limit=1)
    _claim(mailing, owner="bulk-other", limit=1)
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(lease_until=now()))
    with unit_of_work():
        delivery.extend_leases(ME)
    mine, other, _ = deliveries_of(mailing.campaign)
    assert mine.lease_until is not None
    assert other.lease_until is not None
    assert mine.lease_until > now() + timedelta(minutes=1) > other.lease_until


def test_the_contact_of_a_claim_is_read_once(mailing: Mailing) -> None:
    claim = _claim(mailing)
    with unit_of_work():
        db.session.execute(sa.update(Contact).values(first_name="Changed"))
    assert "Changed" not in claim.recipients[0].name
