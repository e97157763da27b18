"""Campaigns: the list, the figures afterwards, and who may see and do what."""

from __future__ import annotations

import re

from flask import Flask

from mailer import campaigns
from mailer.accounts import Role
from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import DeliveryState
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation, list_senders
from tests.support.editing_campaigns import fields, path, settle, start, state_of
from tests.support.factories import (
    DORA,
    make_list,
    make_organisation,
)
from tests.support.make_accounts import TeamClient, make_account, team_client


def test_the_figures_of_a_report_add_up_to_the_audience(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    start(campaign)
    settle(campaign, DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.SKIPPED)
    with unit_of_work():
        campaigns.finish(campaign)
    page = ada.get(path(campaign)).text
    table = page.partition('<table class="meter-table">')[2].partition("</table>")[0]
    numbers = [int(one) for one in re.findall(r'<td class="num">(\d+)</td>', table)]
    assert sum(numbers[:-1]) == numbers[-1] == 3
    assert "1 accepted, with proof." in page
    assert "550 5.1.1 No such user" in page
    assert "data-live=" not in page
    assert re.search(r'<td class="num"[^>]*>3</td>', ada.get("/admin/campaigns/").text)


def test_progress_is_a_fragment_that_ends_with_the_campaign(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    start(campaign)
    with unit_of_work():
        campaigns.hold(campaign, "The mail server does not answer.")
    asking = {"X-Fragment": "1"}
    fragment = ada.get(path(campaign, "progress"), headers=asking).text
    assert "<html" not in fragment
    assert "data-live-stop" not in fragment
    assert "The mail server does not answer." in fragment
    settle(campaign, *[DeliveryState.ACCEPTED] * 3)
    with unit_of_work():
        campaigns.finish(campaign)
    assert "data-live-stop" in ada.get(path(campaign, "progress"), headers=asking).text
    assert ada.get(path(campaign, "progress")).status_code == 303


def test_deliveries_are_listed_by_state_with_the_reply(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    start(campaign)
    settle(campaign, DeliveryState.ACCEPTED, DeliveryState.REFUSED)
    refused = ada.get(path(campaign, "deliveries?state=refused")).text
    assert "550 5.1.1 No such user" in refused
    assert f"/admin/people/{readers[1].public_id}" in refused
    assert f"/admin/people/{readers[0].public_id}" not in refused
    everybody = ada.get(path(campaign, "deliveries?state=nonsense&older=nobody")).text
    assert all(f"/admin/people/{one.public_id}" in everybody for one in readers)


def test_a_viewer_sees_no_way_to_people(
    app: Flask, organisation: Organisation, campaign: Campaign, readers: list[Contact]
) -> None:
    start(campaign)
    viewer = team_client(app, make_account(organisation, name="Vera", role=Role.VIEWER))
    assert "/admin/people/con_" not in viewer.get(path(campaign, "deliveries")).text


def test_what_was_sent_is_archived_not_deleted(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    start(campaign)
    settle(campaign, *[DeliveryState.ACCEPTED] * 3)
    with unit_of_work():
        campaigns.finish(campaign)
    assert ada.send(path(campaign, "delete")).status_code == 409
    assert ada.send(path(campaign, "archive")).status_code == 303
    assert "November letter" not in ada.get("/admin/campaigns/").text.partition("<table")[2]
    assert ada.get(path(campaign)).status_code == 200


# Rights

READING = ("", "edit", "test", "preview", "send", "cancel", "delete", "progress", "deliveries")
WRITING = ("edit", "test", "duplicate", "archive", "delete")
SENDING = ("start", "schedule", "unschedule", "pause", "resume", "cancel")


def test_somebody_of_another_organisation_finds_nothing_and_changes_nothing(
    app: Flask, campaign: Campaign, mailing_list: MailingList, readers: list[Contact]
) -> None:
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    assert "November" not in dora.get("/admin/campaigns/").text
    for step in READING:
        assert dora.get(path(campaign, step)).status_code == 404, step
    typed = fields(campaign, mailing_list, number="3", shown="3", at="2030-01-01T00:00")
    for step in (*WRITING, *SENDING, "preview"):
        assert dora.send(path(campaign, step), **typed).status_code == 404, step
    assert state_of(campaign) is CampaignState.DRAFT
    assert campaign.revision == 2


def test_lists_and_senders_of_another_organisation_cannot_be_chosen(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    theirs = make_organisation(DORA)
    foreign_list, foreign_sender = make_list(theirs), list_senders(theirs)[0]
    for changes in ({"lists": foreign_list.public_id}, {"sender": foreign_sender.public_id}):
        typed = fields(campaign, mailing_list) | changes
        assert ada.send(path(campaign, "edit"), **typed).status_code == 404
        if "lists" in changes:
            assert ada.send(path(campaign, "preview"), **typed).status_code == 404


def test_a_viewer_reads_and_does_nothing_else(
    app: Flask, organisation: Organisation, campaign: Campaign, readers: list[Contact]
) -> None:
    viewer = team_client(app, make_account(organisation, name="Vera", role=Role.VIEWER))
    page = viewer.get(path(campaign))
    assert page.status_code == 200
    assert "Copy to a new draft" not in page.text
    assert "Your role does not include sending" in viewer.get(path(campaign, "send")).text
    assert viewer.get(path(campaign, "edit")).status_code == 403
    for step in (*WRITING, *SENDING):
        assert viewer.send(path(campaign, step)).status_code == 403, step
    assert state_of(campaign) is CampaignState.DRAFT


def test_a_post_without_our_token_changes_nothing(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    for step in (*WRITING, *SENDING, "preview"):
        assert ada.send(path(campaign, step), token="forged").status_code == 403, step
    assert state_of(campaign) is CampaignState.DRAFT
