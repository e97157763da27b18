"""Sending a campaign: the number, the time, the brakes."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailer import campaigns, contacts
from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import DeliveryState
from mailer.foundation import clock
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.lists import MailingList
from mailer.web.admin.campaigns_run import read_local_time
from tests.support.editing_campaigns import fields, path, settle, start, state_of
from tests.support.make_accounts import TeamClient
from tests.support.watching import counted_while_writing

BERLIN = ZoneInfo("Europe/Berlin")


def test_typing_the_number_of_people_starts_it(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    page = ada.get(path(campaign, "send")).text
    assert "Send to 3 people" in page
    started = ada.send(path(campaign, "start"), number="3", shown="3")
    assert started.status_code == 303
    assert state_of(campaign) is CampaignState.SENDING
    assert "Sending has begun" in ada.get(started.headers["Location"]).text


@pytest.mark.parametrize("number", ["", "2", "three", "-3", "３", "9" * 5000, "3.0.0.1"])
def test_another_number_starts_nothing(
    campaign: Campaign, readers: list[Contact], ada: TeamClient, number: str
) -> None:
    refused = ada.send(path(campaign, "start"), number=number, shown="3")
    assert refused.status_code == 422
    assert 'id="field-number-error"' in refused.text
    assert state_of(campaign) is CampaignState.DRAFT


def test_a_number_that_no_longer_holds_is_asked_for_again(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    refused = ada.send(path(campaign, "start"), number="5000", shown="5000")
    assert refused.status_code == 422
    assert "It would go to 3 people now" in refused.text
    assert state_of(campaign) is CampaignState.DRAFT


def test_a_campaign_that_is_not_in_order_cannot_be_started(
    campaign: Campaign, mailing_list: MailingList, readers: list[Contact], ada: TeamClient
) -> None:
    ada.send(path(campaign, "edit"), **fields(campaign, mailing_list, footer="own"))
    page = ada.get(path(campaign, "send")).text
    assert "There is no unsubscribe link." in page
    assert "Type the number" not in page
    refused = ada.send(path(campaign, "start"), number="3", shown="3")
    assert refused.status_code == 422
    assert "Nothing was sent" in refused.text
    assert state_of(campaign) is CampaignState.DRAFT


def test_starting_twice_starts_once(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    assert ada.send(path(campaign, "start"), number="3", shown="3").status_code == 303
    assert ada.send(path(campaign, "start"), number="3", shown="3").status_code == 409


def test_a_time_is_read_on_the_clocks_of_the_organisation(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    local = (clock.now() + timedelta(days=3)).astimezone(BERLIN).replace(second=0, microsecond=0)
    done = ada.send(path(campaign, "schedule"), at=f"{local:%Y-%m-%dT%H:%M}")
    assert done.status_code == 303
    assert state_of(campaign) is CampaignState.SCHEDULED
    assert campaign.scheduled_at == local
    assert "Starts by itself" in ada.get(done.headers["Location"]).text


def test_people_are_counted_while_others_may_write(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    local = (clock.now() + timedelta(days=3)).astimezone(BERLIN)
    with counted_while_writing() as counted:
        ada.send(path(campaign, "schedule"), at=f"{local:%Y-%m-%dT%H:%M}")
        assert state_of(campaign) is CampaignState.SCHEDULED
        ada.send(path(campaign, "unschedule"))
        ada.send(path(campaign, "start"), number="3", shown="3")
        assert state_of(campaign) is CampaignState.SENDING
    assert counted == []


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("", "Please give a date and a time"),
        ("tomorrow", "Please give a date and a time"),
        ("2001-01-01T09:00", "This time has passed"),
        ("0001-01-01T00:00", "Please give a date and a time"),
        ("9999-12-31T23:59", "Please give a date and a time"),
        ("2900-12-31T23:59", "more than a year away"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_kept(
    campaign: Campaign, readers: list[Contact], ada: TeamClient, at: str, message: str
) -> None:
    refused = ada.send(path(campaign, "schedule"), at=at)
    assert refused.status_code == 422
    assert message in refused.text
    assert f'value="{at}"' in refused.text
    assert state_of(campaign) is CampaignState.DRAFT


def next_sunday_at_the_end_of(month: int) -> date:
    """The next last Sunday of a month of 31 days, on which clocks change in Berlin."""
    year = clock.now().year
    days = [date(year + offset, month, day) for offset in (0, 1) for day in range(25, 32)]
    return next(day for day in days if day.weekday() == 6 and day > clock.now().date())


def test_the_hour_that_the_clocks_leave_out_is_refused() -> None:
    day = next_sunday_at_the_end_of(3)
    with pytest.raises(Invalid, match="leave this hour out"):
        read_local_time({"at": f"{day}T02:30"}, "at", BERLIN)


def test_of_the_hour_that_comes_twice_the_first_is_taken() -> None:
    day = next_sunday_at_the_end_of(10)
    first = read_local_time({"at": f"{day}T02:30"}, "at", BERLIN)
    assert first.utcoffset() == timedelta(hours=2)


def test_a_scheduled_campaign_can_be_made_a_draft_again(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    with unit_of_work():
        campaigns.schedule(campaign, clock.now() + timedelta(days=1))
    assert "Unschedule" in ada.get(path(campaign)).text
    assert ada.get(path(campaign, "edit")).status_code == 303
    assert ada.send(path(campaign, "unschedule")).status_code == 303
    assert state_of(campaign) is CampaignState.DRAFT


def test_pausing_and_going_on(campaign: Campaign, readers: list[Contact], ada: TeamClient) -> None:
    start(campaign)
    assert "Pause sending" in ada.get(path(campaign)).text
    assert ada.send(path(campaign, "pause")).status_code == 303
    assert state_of(campaign) is CampaignState.PAUSED
    assert "Go on sending" in ada.get(path(campaign)).text
    assert ada.send(path(campaign, "resume")).status_code == 303
    assert state_of(campaign) is CampaignState.SENDING
    assert ada.send(path(campaign, "resume")).status_code == 409


def test_cancelling_says_in_numbers_what_it_means_and_asks(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    start(campaign)
    settle(campaign, DeliveryState.ACCEPTED)
    asked = ada.get(path(campaign, "cancel")).text
    assert "1 person has had this mail" in asked
    assert "2 people will not get it" in asked
    assert state_of(campaign) is CampaignState.SENDING
    assert ada.send(path(campaign, "cancel")).status_code == 303
    assert state_of(campaign) is CampaignState.CANCELLED


def test_the_check_page_tells_who_is_left_out_and_who_gets_it_later(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    cleo, eve, _ = readers
    with unit_of_work():
        contacts.restrict(db.session.get_one(Contact, cleo.id), "They object.")
        contacts.pause(db.session.get_one(Contact, eve.id), days=2)
    page = ada.get(path(campaign, "send")).text
    assert "It goes to 1 person. 1 more gets it later, as they asked. 1 more is left out." in page
    assert "Type the number of people: 1" in page
    assert "cleo@example.org" in ada.get(path(campaign, "away?word=restricted")).text
    later = ada.get(path(campaign, "away?word=paused&held=yes")).text
    assert "eve@example.org" in later
    assert "cleo@example.org" not in later
    assert ada.send(path(campaign, "start"), number="3", shown="1").status_code == 422
    assert ada.send(path(campaign, "start"), number="1", shown="1").status_code == 303
