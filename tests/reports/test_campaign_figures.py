from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import delivery, reports
from mailer.campaigns import Campaign
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.paging import Cursor
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people
from tests.support.make_campaigns import fresh, make_started


@pytest.fixture
def campaign(app: Flask) -> Campaign:
    """Twelve people in all states."""
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    make_people(mailing_list, 12)
    campaign = make_started(organisation, mailing_list)
    with unit_of_work():
        delivery.plan(campaign.id)
    ids = list(db.session.scalars(sa.select(Delivery.id).order_by(Delivery.id)))
    fates = [
        *[{"state": DeliveryState.ACCEPTED, "settled_at": now()}] * 5,
        {"state": DeliveryState.SKIPPED, "skip_reason": SkipReason.WITHDRAWN},
        {"state": DeliveryState.SKIPPED, "skip_reason": SkipReason.SUPPRESSED},
        {
            "state": DeliveryState.REFUSED,
            "reply_code": 550,
            "reply_text": "5.1.1 nobody",
            "settled_at": now(),
        },
        {"state": DeliveryState.UNCERTAIN},
        {"state": DeliveryState.DEFERRED},
        {"state": DeliveryState.CLAIMED},
    ]
    with unit_of_work():
        for row_id, fate in zip(ids, fates, strict=False):
            db.session.execute(sa.update(Delivery).where(Delivery.id == row_id).values(**fate))
    return fresh(campaign)


def test_the_figures_add_up_to_the_audience(campaign: Campaign) -> None:
    report = reports.campaign_report(campaign)
    assert report.audience == report.with_proof == 12
    assert sum(report.counts.values()) == 12
    assert sum(report.skipped.values()) == report.counts[DeliveryState.SKIPPED] == 2
    assert (report.waiting, report.settled) == (3, 9)
    assert report.share_settled == 0.75
    assert [(one.code, one.text) for one in report.refusals] == [(550, "5.1.1 nobody")]


def test_the_rate_counts_what_was_accepted_lately(campaign: Campaign) -> None:
    report = reports.campaign_report(campaign)
    assert 0 < report.rate <= 5
    assert report.eta is not None
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(settled_at=now() - timedelta(minutes=1)))
    report = reports.campaign_report(fresh(campaign))
    assert (report.rate, report.eta) == (0.0, None)


def test_a_campaign_without_rows_has_an_empty_report(app: Flask) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    make_people(mailing_list, 1)
    report = reports.campaign_report(make_started(organisation, mailing_list))
    assert (report.audience, report.is_planned, report.share_settled) == (0, False, 0.0)


def test_recipients_come_in_pages_with_masked_addresses(campaign: Campaign) -> None:
    first = reports.list_deliveries(campaign, Cursor(), size=5)
    assert [line.address for line in first.rows] == ["r···@example.org"] * 5
    second = reports.list_deliveries(campaign, Cursor(older_than=first.older), size=5)
    third = reports.list_deliveries(campaign, Cursor(older_than=second.older), size=5)
    seen = [line.public_id for page in (first, second, third) for line in page.rows]
    assert len(seen) == len(set(seen)) == 12
    assert (first.newer, third.older) == (None, None)
    back = reports.list_deliveries(campaign, Cursor(newer_than=second.newer), size=5)
    assert [line.public_id for line in back.rows] == [line.public_id for line in first.rows]


def test_recipients_can_be_asked_for_by_state(campaign: Campaign) -> None:
    page = reports.list_deliveries(campaign, Cursor(), states=[DeliveryState.REFUSED])
    assert [line.reply for line in page.rows] == ["550 5.1.1 nobody"]
