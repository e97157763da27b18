from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from mailer import campaigns
from mailer.campaigns import Campaign, CampaignState
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from tests.campaigns.conftest import House
from tests.support.make_campaigns import fresh, make_draft, make_started

S = CampaignState


def test_a_campaign_is_started_once(house: House) -> None:
    campaign = make_started(house.organisation, house.mailing_list)
    assert campaign.state is S.SENDING
    assert campaign.started_at is not None
    with pytest.raises(NotAllowed, match="A campaign that is sending cannot start"), unit_of_work():
        campaigns.start(campaign)


def test_of_two_clicks_at_the_same_moment_one_wins(app: Flask, house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    gate = threading.Barrier(4)
    won: list[bool] = []

    def click() -> None:
        with app.app_context():
            gate.wait(10)
            try:
                with unit_of_work():
                    campaigns.start(campaigns.get_campaign_by_id(campaign.id))
                won.append(True)
            except NotAllowed:
                won.append(False)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won) == [False, False, False, True]


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        (["pause"], S.PAUSED),
        (["pause", "resume"], S.SENDING),
        (["cancel"], S.CANCELLED),
        (["pause", "cancel"], S.CANCELLED),
        (["finish"], S.SENT),
    ],
)
def test_each_step_leads_on(house: House, steps: list[str], state: CampaignState) -> None:
    campaign = make_started(house.organisation, house.mailing_list)
    for step in steps:
        verb: Callable[[Campaign], None] = getattr(campaigns, step)
        with unit_of_work():
            verb(campaign)
    assert fresh(campaign).state is state
    assert (fresh(campaign).finished_at is not None) == (state in (S.CANCELLED, S.SENT))


@pytest.mark.parametrize("step", ["pause", "resume", "cancel", "finish", "unschedule"])
def test_a_draft_cannot_be_stopped(house: House, step: str) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with pytest.raises(NotAllowed), unit_of_work():
        getattr(campaigns, step)(campaign)
    assert fresh(campaign).state is S.DRAFT


def test_a_scheduled_campaign_waits_for_its_time(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    at = now() + timedelta(hours=2)
    with unit_of_work():
        campaigns.schedule(campaign, at)
    assert campaigns.list_due(now()) == []
    assert campaigns.list_due(at) == [campaign.id]
    with unit_of_work():
        campaigns.unschedule(campaign)
    assert campaigns.list_due(at) == []
    assert fresh(campaign).state is S.DRAFT


def test_a_time_that_has_passed_is_refused(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with pytest.raises(Invalid) as refused, unit_of_work():
        campaigns.schedule(campaign, now() - timedelta(seconds=1))
    assert "at" in refused.value.fields


@pytest.mark.requirement("E-030")
def test_a_campaign_without_an_unsubscribe_link_does_not_start(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list, has_automatic_footer=False)
    for step in (
        lambda: campaigns.start(campaign),
        lambda: campaigns.schedule(campaign, now() + timedelta(hours=1)),
    ):
        with pytest.raises(Invalid) as refused, unit_of_work():
            step()
        assert {"unsubscribe", "imprint"} <= refused.value.fields.keys()
    assert fresh(campaign).state is S.DRAFT


def test_why_sending_waits_is_said_and_taken_back(house: House) -> None:
    campaign = make_started(house.organisation, house.mailing_list)
    with unit_of_work():
        campaigns.hold(campaign, "The mail server is down.")
    assert fresh(campaign).held_because == "The mail server is down."
    with unit_of_work():
        campaigns.clear_hold(fresh(campaign))
    assert fresh(campaign).held_because == ""
    with unit_of_work():
        campaigns.pause(campaign, "Too many dead addresses.")
    with unit_of_work():
        campaigns.clear_hold(fresh(campaign))
    assert fresh(campaign).held_because == "Too many dead addresses."
