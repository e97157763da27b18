"""The figures of counted links: they add up, and say of how many they speak."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer import reports, rights
from mailer.erasures import AskedBy
from mailer.foundation.database import unit_of_work
from mailer.reports import LinkClicks
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import contact_of, make_people
from tests.support.make_counted import BOOKS, SHOP, agree, make_counting, path_in, send


@pytest.mark.requirement("C-101")
def test_figures_name_every_link_and_of_how_many_they_speak(
    app: Flask, client: FlaskClient
) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    people = make_people(mailing_list, 4)
    for one in people[:3]:
        agree(one)
    campaign = make_counting(organisation, mailing_list)
    mails = send(campaign)
    first, second = (path_in(mails[one]).removesuffix("1") for one in people[:2])
    for followed in (f"{first}1", f"{first}1", f"{first}2", f"{second}1"):
        client.get(followed)
    report = reports.click_report(campaign)
    assert report is not None
    assert list(report.links) == [LinkClicks(BOOKS, 2, 3), LinkClicks(SHOP, 1, 1)]
    assert (report.people, report.clicks) == (2, 4)
    assert (report.counted, report.sent) == (3, 4)
    with unit_of_work():
        rights.erase(contact_of(people[0]), asked_by=AskedBy.TEAM, evidence={"method": "test"})
    after = reports.click_report(campaign)
    assert after is not None
    assert list(after.links) == [LinkClicks(BOOKS, 1, 1), LinkClicks(SHOP, 0, 0)]
    assert (after.people, after.clicks, after.counted, after.sent) == (1, 1, 2, 4)


def test_a_campaign_that_counts_nothing_has_no_figures_of_clicks(app: Flask) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    make_people(mailing_list, 1)
    campaign = make_counting(organisation, mailing_list, counts_clicks=False)
    assert reports.click_report(campaign) is None
