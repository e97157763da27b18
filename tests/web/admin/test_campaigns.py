"""Campaigns: writing, looking at, checking, sending, stopping, and the figures afterwards."""

from __future__ import annotations

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import accounts, campaigns, delivery, signup, transactional
from mailer.accounts import Role
from mailer.campaigns import Campaign, CampaignDraft, CampaignState
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation import clock
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.paging import Cursor
from mailer.lists import MailingList
from mailer.organisations import Organisation, list_senders
from mailer.signup import ConfirmingAct
from mailer.transactional import MessageKind
from mailer.web.admin.campaigns_run import read_local_time
from tests.support.factories import (
    DORA,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)
from tests.support.make_accounts import TeamClient, make_account, team_client

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def mailing_list(organisation: Organisation) -> MailingList:
    return make_list(organisation)


@pytest.fixture
def ada(app: Flask, organisation: Organisation) -> TeamClient:
    return team_client(app, make_account(organisation))


@pytest.fixture
def campaign(organisation: Organisation, mailing_list: MailingList) -> Campaign:
    """A draft that could go out."""
    with unit_of_work():
        made = campaigns.create_campaign(organisation, None, "November letter")
        campaigns.change_campaign(
            made,
            CampaignDraft(
                name="November letter",
                subject="Five books",
                preheader="For long evenings",
                body='Hello {{ contact.first_name | default("there") }}',
                sender=list_senders(organisation)[0],
                lists=(mailing_list,),
            ),
            revision=1,
        )
    return made


@pytest.fixture
def readers(organisation: Organisation, mailing_list: MailingList) -> list[Contact]:
    """Three people who confirmed."""
    form = make_form(organisation, mailing_list)
    act = ConfirmingAct(method="POST", token_digest="ab" * 32, ip="", user_agent="", shown_at=None)
    people = []
    for name in ("cleo", "eve", "fay"):
        given = submission(organisation, form, mailing_list, address=f"{name}@example.org")
        request = make_request(given)
        with unit_of_work():
            people.append(signup.confirm(request, act).contact)
    return people


def fields(campaign: Campaign, mailing_list: MailingList, **changes: str) -> dict[str, str]:
    """What the editor sends for the draft of these tests."""
    sender = list_senders_of(campaign)[0]
    return {
        "revision": str(campaign.revision),
        "name": campaign.name,
        "subject": campaign.subject,
        "preheader": campaign.preheader,
        "body": campaign.body,
        "body_format": "markdown",
        "footer": "automatic",
        "language": "en",
        "sender": sender,
        "lists": mailing_list.public_id,
        **changes,
    }


def list_senders_of(campaign: Campaign) -> list[str]:
    organisation = db.session.get_one(Organisation, campaign.organisation_id)
    return [sender.public_id for sender in list_senders(organisation)]


def path(campaign: Campaign, step: str = "") -> str:
    return f"/admin/campaigns/{campaign.public_id}{'/' if step else ''}{step}"


def start(campaign: Campaign) -> None:
    with unit_of_work():
        campaigns.start(campaign)
    with unit_of_work():
        delivery.plan(campaign.id)


def settle(campaign: Campaign, *states: DeliveryState) -> None:
    """Put the deliveries of a campaign, in their order, into these states."""
    with unit_of_work():
        rows = db.session.scalars(
            sa.select(Delivery).where(Delivery.campaign_id == campaign.id).order_by(Delivery.id)
        )
        for row, state in zip(rows, states, strict=False):
            row.state, row.settled_at, row.attempts = state, clock.now(), 1
            row.reply_code, row.reply_text = 250, "queued"
            if state is DeliveryState.REFUSED:
                row.reply_code, row.reply_text = 550, "5.1.1 No such user"
            if state is DeliveryState.SKIPPED:
                row.skip_reason = SkipReason.WITHDRAWN


def state_of(campaign: Campaign) -> CampaignState:
    db.session.rollback()
    db.session.refresh(campaign)
    return campaign.state


# Writing


def test_naming_a_campaign_opens_its_editor(organisation: Organisation, ada: TeamClient) -> None:
    made = ada.send("/admin/campaigns/new", name="Spring letter")
    assert made.status_code == 303
    editor = ada.get(made.headers["Location"])
    assert editor.status_code == 200
    assert "Spring letter" in editor.text
    assert "Spring letter" in ada.get("/admin/campaigns/").text
    assert "began a campaign" in [
        line.entry.action for line in accounts.list_audit(organisation, Cursor()).rows
    ]


def test_a_campaign_without_a_name_is_asked_for_one(ada: TeamClient) -> None:
    refused = ada.send("/admin/campaigns/new", name="   ")
    assert refused.status_code == 422
    assert "Please give the campaign a name" in refused.text


def test_saving_keeps_what_was_written(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    changed = fields(campaign, mailing_list, subject="Six books", body="<b>\nTwo lines</b> & more")
    saved = ada.send(path(campaign, "edit"), **changed)
    assert saved.status_code == 303
    editor = ada.get(saved.headers["Location"]).text
    assert 'value="Six books"' in editor
    assert "&lt;b&gt;\nTwo lines&lt;/b&gt; &amp; more" in editor
    assert "The draft is saved." in editor


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "Please fill this in."),
        ("name", "x" * 201, "at most 200"),
        ("subject", "x" * 501, "at most 500"),
        ("subject", "one\nBcc: two", "one line only"),
        ("body", "x" * 200_001, "at most 200000"),
        ("body_format", "word", "Please choose"),
        ("language", "tlh", "Please choose"),
        ("footer", "none", "Please choose"),
        ("preheader", "a\x00b", "cannot be stored"),
    ],
)
def test_bad_input_gets_a_message_and_keeps_everything_typed(
    campaign: Campaign,
    mailing_list: MailingList,
    ada: TeamClient,
    field: str,
    value: str,
    message: str,
) -> None:
    typed = fields(campaign, mailing_list, body="Words that took an hour") | {field: value}
    refused = ada.send(path(campaign, "edit"), **typed)
    assert refused.status_code == 422
    assert message in refused.text
    assert f'id="field-{field}-error"' in refused.text
    if field != "body":
        assert "Words that took an hour" in refused.text
    db.session.rollback()
    assert campaigns.content_of(campaign).subject == "Five books"


def test_saving_over_a_colleagues_changes_shows_both(
    app: Flask,
    organisation: Organisation,
    campaign: Campaign,
    mailing_list: MailingList,
    ada: TeamClient,
) -> None:
    begun = fields(campaign, mailing_list, body="What Ada wrote")
    ben = team_client(app, make_account(organisation, name="Ben", role=Role.EDITOR))
    assert ben.send(path(campaign, "edit"), **begun | {"body": "What Ben wrote"}).status_code == 303
    late = ada.send(path(campaign, "edit"), **begun)
    assert late.status_code == 409
    assert "Ben changed this meanwhile" in late.text
    assert "What Ada wrote" in late.text
    assert "What Ben wrote" in late.text
    revision = re.search(r'name="revision" value="(\d+)"', late.text)
    assert revision
    again = ada.send(path(campaign, "edit"), **begun | {"revision": revision.group(1)})
    assert again.status_code == 303
    assert "What Ada wrote" in ada.get(path(campaign, "edit")).text


def test_an_error_does_not_hide_that_somebody_saved_meanwhile(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    begun = fields(campaign, mailing_list)
    ada.send(path(campaign, "edit"), **begun | {"body": "newer"})
    refused = ada.send(path(campaign, "edit"), **begun | {"name": ""})
    assert f'name="revision" value="{begun["revision"]}"' in refused.text


def test_a_broken_placeholder_is_saved_and_named_with_its_line(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    body = "Hello\n{{ contact.frist_name }}"
    assert ada.send(path(campaign, "edit"), **fields(campaign, mailing_list, body=body))
    editor = ada.get(path(campaign, "edit")).text
    assert "Line 2" in editor
    assert "first_name" in editor


def test_a_copy_is_a_draft_of_its_own(campaign: Campaign, ada: TeamClient) -> None:
    copied = ada.send(path(campaign, "duplicate"))
    assert copied.status_code == 303
    assert "November letter (copy)" in ada.get(copied.headers["Location"]).text


def test_a_draft_is_deleted_only_after_a_page_that_says_so(
    campaign: Campaign, ada: TeamClient
) -> None:
    asked = ada.get(path(campaign, "delete"))
    assert "go for good" in asked.text
    assert ada.get(path(campaign, "edit")).status_code == 200
    assert ada.send(path(campaign, "delete")).status_code == 303
    assert ada.get(path(campaign, "edit")).status_code == 404


# Looking at it


def test_the_preview_shows_the_saved_mail_as_the_newest_member_gets_it(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    shown = ada.get(path(campaign, "preview"))
    assert shown.status_code == 200
    assert "Hello Cleo" in shown.text  # the first name all of them gave
    assert "To fay@example.org" in shown.text
    assert "Five books" in shown.text


@pytest.mark.requirement("S-023")
def test_a_preview_is_a_document_of_its_own_that_runs_nothing(
    campaign: Campaign, ada: TeamClient
) -> None:
    policy = ada.get(path(campaign, "preview")).headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script" not in policy


@pytest.mark.requirement("E-030")
def test_the_links_of_a_preview_hold_no_token_of_the_person(
    campaign: Campaign, readers: list[Contact], ada: TeamClient
) -> None:
    shown = ada.get(path(campaign, "preview")).text
    assert re.findall(r"/u/([\w.~-]+)", shown) == ["preview"]
    assert re.findall(r"/p/([\w.~-]+)", shown) == ["preview"]


def test_what_is_being_written_is_previewed_without_being_saved(
    campaign: Campaign, mailing_list: MailingList, readers: list[Contact], ada: TeamClient
) -> None:
    typed = fields(campaign, mailing_list, body="Dear {{ contact.email }}", contact="eve@")
    shown = ada.send(path(campaign, "preview"), **typed)
    assert "Dear eve@example.org" in shown.text
    as_text = ada.send(path(campaign, "preview"), **typed, part="text")
    assert "<pre>" in as_text.text
    assert "Dear eve@example.org" in as_text.text
    assert "Dear" not in ada.get(path(campaign, "preview")).text


def test_a_preview_that_cannot_be_made_says_why(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    shown = ada.send(
        path(campaign, "preview"), **fields(campaign, mailing_list, body="{{ 7 * <b> }}")
    )
    assert shown.status_code == 200
    assert "There is no preview yet" in shown.text
    assert "<b>" not in shown.text


def test_without_members_an_example_person_is_shown(campaign: Campaign, ada: TeamClient) -> None:
    shown = ada.get(path(campaign, "preview")).text
    assert "Hello Alex" in shown
    assert "To an example person" in shown


def test_who_may_not_read_people_sees_an_example_in_their_place(
    app: Flask, organisation: Organisation, campaign: Campaign, readers: list[Contact]
) -> None:
    viewer = team_client(app, make_account(organisation, name="Vera", role=Role.VIEWER))
    shown = viewer.get(f"{path(campaign, 'preview')}?contact=cleo").text
    assert "example.org" not in shown.replace("alex@example.org", "")
    assert "Hello Alex" in shown


def test_a_test_goes_to_whoever_asks_with_a_marked_subject_and_dead_links(
    campaign: Campaign, mailing_list: MailingList, readers: list[Contact], ada: TeamClient
) -> None:
    typed = fields(campaign, mailing_list, subject="Seven books")
    sent = ada.send(path(campaign, "test"), **typed)
    assert sent.status_code == 303
    message = transactional.find_newest(campaign.public_id)
    assert message is not None
    assert message.kind is MessageKind.TEST
    assert message.to_address == "ada@books.example"
    body = (message.body or b"").decode()
    assert "Subject: [Test] Seven books" in body
    assert "/u/preview" in body
    editor = ada.get(sent.headers["Location"]).text
    assert "ada@books.example" in editor
    assert "waiting to be sent" in editor


def test_a_test_without_a_sender_says_so_and_keeps_the_draft(
    campaign: Campaign, mailing_list: MailingList, ada: TeamClient
) -> None:
    typed = fields(campaign, mailing_list, sender="", subject="Seven books")
    refused = ada.send(path(campaign, "test"), **typed)
    assert refused.status_code == 422
    assert "Choose a sender first" in refused.text
    assert 'value="Seven books"' in refused.text
    assert transactional.find_newest(campaign.public_id) is None
    # The draft was saved by this, so saving once more is no conflict.
    revision = re.search(r'name="revision" value="(\d+)"', refused.text)
    assert revision
    again = ada.send(path(campaign, "edit"), **typed | {"revision": revision.group(1)})
    assert again.status_code == 303


# Sending


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


# Afterwards


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
