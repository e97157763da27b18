from __future__ import annotations

import pytest
import sqlalchemy as sa

from mailer import campaigns, delivery, suppression
from mailer.consent import ConsentRecord
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation.database import db, unit_of_work
from mailer.subscriptions import Subscription
from mailer.suppression import Reason, Scope
from tests.delivery.conftest import Mailing
from tests.support.factories import make_list
from tests.support.make_audience import contact_of, join_too, make_people
from tests.support.make_campaigns import deliveries_of, fresh, make_started


def _plan(campaign_id: int, **size: int) -> bool:
    with unit_of_work():
        return delivery.plan(campaign_id, **size)


def test_everybody_gets_one_row_that_cites_their_consent(mailing: Mailing) -> None:
    assert _plan(mailing.campaign.id) is False
    assert fresh(mailing.campaign).planned_at is not None
    rows = deliveries_of(mailing.campaign)
    assert [row.state for row in rows] == [DeliveryState.PLANNED] * 3
    proofs = {
        row.contact_id: row.proof_id for row in db.session.scalars(sa.select(Subscription)).all()
    }
    assert {row.contact_id: row.consent_record_id for row in rows} == proofs


def test_an_audience_is_planned_in_slices_that_survive_each_other(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 22, prefix="more")
    assert _plan(mailing.campaign.id, size=10) is True
    assert len(deliveries_of(mailing.campaign)) == 10
    assert fresh(mailing.campaign).planned_at is None
    assert _plan(mailing.campaign.id, size=10) is True
    assert _plan(mailing.campaign.id, size=10) is False
    assert _plan(mailing.campaign.id, size=10) is False
    rows = deliveries_of(mailing.campaign)
    assert len({row.contact_id for row in rows}) == len(rows) == 25


def test_who_is_in_two_lists_is_mailed_once_for_the_older_list(mailing: Mailing) -> None:
    other = make_list(mailing.organisation, name="Other")
    with unit_of_work():
        db.session.get_one(type(other), other.id).purpose_id = mailing.mailing_list.purpose_id
    join_too(other, mailing.people)
    campaign = make_started(mailing.organisation, other, mailing.mailing_list)
    _plan(campaign.id)
    rows = deliveries_of(campaign)
    assert [row.mailing_list_id for row in rows] == [mailing.mailing_list.id] * 3


@pytest.mark.requirement("C-080")
def test_who_is_suppressed_is_planned_as_skipped(mailing: Mailing) -> None:
    with unit_of_work():
        digest = contact_of(mailing.people[1]).address_digest
        assert digest is not None
        suppression.suppress(
            mailing.organisation, digest, scope=Scope.MARKETING, reason=Reason.OBJECTION
        )
    _plan(mailing.campaign.id)
    row = deliveries_of(mailing.campaign)[1]
    assert (row.state, row.skip_reason) == (DeliveryState.SKIPPED, SkipReason.SUPPRESSED)
    assert row.settled_at is not None


def test_nothing_is_planned_for_a_paused_campaign(mailing: Mailing) -> None:
    with unit_of_work():
        campaigns.pause(campaigns.get_campaign_by_id(mailing.campaign.id))
    assert _plan(mailing.campaign.id) is False
    assert deliveries_of(mailing.campaign) == []


def test_the_database_takes_no_delivery_without_a_consent_record(mailing: Mailing) -> None:
    unknown = (db.session.scalar(sa.select(sa.func.max(ConsentRecord.id))) or 0) + 1
    for record_id in (None, unknown):
        with pytest.raises(sa.exc.IntegrityError), unit_of_work():
            db.session.execute(
                sa.insert(Delivery).values(
                    campaign_id=mailing.campaign.id,
                    contact_id=contact_of(mailing.people[0]).id,
                    mailing_list_id=mailing.mailing_list.id,
                    consent_record_id=record_id,
                )
            )
