"""Writing a campaign: the editor, its preview, and a test to oneself."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from mailer import accounts, campaigns, transactional
from mailer.accounts import Role
from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.foundation.paging import Cursor
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.transactional import MessageKind
from tests.support.editing_campaigns import fields, path
from tests.support.make_accounts import TeamClient, make_account, team_client


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
