"""Counting clicks on the team's side: a switch that is off by itself, and what it brought."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from tests.support.editing_campaigns import fields, path, start
from tests.support.make_accounts import TeamClient
from tests.support.make_counted import BODY, BOOKS, agree, path_in, send

SWITCH = "Count clicks of people who agreed to it"


@pytest.mark.requirement("C-100")
def test_the_switch_is_off_until_somebody_turns_it_on_and_off_again(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    editor = ada.get(path(campaign, "edit")).text
    assert SWITCH in editor
    for given in ({"counts_clicks": "yes"}, {}):
        db.session.refresh(campaign)
        saved = ada.send(path(campaign, "edit"), **fields(campaign, mailing_list, **given))
        assert saved.status_code == 303
        db.session.refresh(campaign)
        assert campaign.counts_clicks is bool(given)
        box = ada.get(path(campaign, "edit")).text.partition('name="counts_clicks"')[2]
        assert (" checked" in box.partition(">")[0]) is bool(given)


def test_the_check_list_says_what_is_counted(
    campaign: Campaign, mailing_list: MailingList, readers: list[Contact], ada: TeamClient
) -> None:
    send_page = path(campaign, "send")
    assert "Clicks are" not in ada.get(send_page).text
    ada.send(path(campaign, "edit"), **fields(campaign, mailing_list, counts_clicks="yes"))
    assert "there is no link to count" in ada.get(send_page).text
    db.session.refresh(campaign)
    ada.send(
        path(campaign, "edit"), **fields(campaign, mailing_list, counts_clicks="yes", body=BODY)
    )
    assert "Clicks are counted of people who agreed to it" in ada.get(send_page).text


def test_the_page_of_a_campaign_shows_the_clicks_and_of_how_many_they_are(
    app: Flask, campaign: Campaign, readers: list[Contact], ada: TeamClient, client: FlaskClient
) -> None:
    address = readers[0].address or ""
    agree(address)
    with unit_of_work():
        found = db.session.get_one(Campaign, campaign.id)
        found.counts_clicks, found.body = True, BODY
    start(campaign)
    mail = send(campaign)[address]
    assert client.get(path_in(mail)).status_code == 302
    page = ada.get(path(campaign)).text
    assert "1 person agreed to be counted, of 3 who were sent this mail" in page
    assert BOOKS.replace("&", "&amp;") in page
    assert "Counted of people who agreed to it" in page


def test_a_campaign_that_counts_nothing_says_nothing_of_clicks(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    start(campaign)
    assert "agreed to be counted" not in ada.get(path(campaign)).text
