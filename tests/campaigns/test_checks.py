from __future__ import annotations

import pytest
import sqlalchemy as sa

from mailer import campaigns, lists, organisations
from mailer.campaigns import Campaign, CampaignDraft, Level
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.lists import ListDraft, PurposeDraft
from mailer.organisations import Identity, Sender, get_sender_by_id
from mailer.rendering import ED25519, RSA, BodyFormat
from tests.campaigns.conftest import House
from tests.support.factories import DORA, make_list, make_organisation
from tests.support.make_campaigns import make_draft
from tests.support.make_lists import make_sender


def _codes(campaign: Campaign, level: Level) -> list[str]:
    return [one.code for one in campaigns.checks.run(campaign) if one.level is level]


def _message(campaign: Campaign, code: str) -> str:
    [message] = [one.message for one in campaigns.checks.run(campaign) if one.code == code]
    return message


def test_a_complete_campaign_has_nothing_against_it(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    assert _codes(campaign, Level.BLOCKING) == []
    assert _codes(campaign, Level.WARNING) == ["unsigned"]
    assert _message(campaign, "recipients") == "It goes to 3 people."


def test_an_empty_draft_is_told_everything_it_lacks(house: House) -> None:
    with unit_of_work():
        campaign = campaigns.create_campaign(house.organisation, None, "Empty")
    assert _codes(campaign, Level.BLOCKING) == ["subject", "body", "sender", "lists", "recipients"]


def test_an_unknown_placeholder_is_named_with_its_line(house: House) -> None:
    body = "Hello,\n\n{{ contact.frist_name }}\n"
    campaign = make_draft(house.organisation, house.mailing_list, body=body)
    [finding] = [one for one in campaigns.checks.run(campaign) if one.code == "content"]
    assert finding.level is Level.BLOCKING
    assert finding.message.startswith("Body, line 3:")
    assert "first_name" in finding.hint


def test_an_archived_sender_or_list_blocks(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with unit_of_work():
        lists.archive_list(lists.get_list(house.organisation, house.mailing_list.public_id))
        sender = get_sender_by_id(house.mailing_list.sender_id)
        organisations.archive_sender(sender, used_by=[])
    assert {"sender", "archived_list"} <= set(_codes(campaign, Level.BLOCKING))


def test_lists_of_two_purposes_do_not_go_together(house: House) -> None:
    with unit_of_work():
        purpose = lists.create_purpose(
            house.organisation, PurposeDraft(name="Events", sentence="We invite you.")
        )
        sender = get_sender_by_id(house.mailing_list.sender_id)
        draft = ListDraft(name="Events", frequency="weekly", purpose=purpose, sender=sender)
        other = lists.create_list(house.organisation, draft)
    campaign = make_draft(house.organisation, house.mailing_list, other)
    assert _message(campaign, "purposes") == "The lists serve different purposes: Events, News."


def test_a_list_without_members_has_no_recipients(house: House) -> None:
    campaign = make_draft(house.organisation, make_list(house.organisation, name="Empty"))
    assert _codes(campaign, Level.BLOCKING) == ["recipients"]


def test_an_incomplete_imprint_blocks_and_names_what_is_missing(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with unit_of_work():
        organisations.change_organisation(house.organisation, Identity(name="Harbour Books"))
    assert _codes(campaign, Level.BLOCKING) == ["identity"]
    assert "Missing: " in _message(campaign, "identity")


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("long_subject", {"subject": "x" * 71}),
        ("preheader", {"preheader": ""}),
        ("http", {"body": "[shop](http://shop.example/books)"}),
        ("alt", {"body": "![](https://shop.example/cover.png)"}),
        ("no_default", {"body": "Dear {{ contact.first_name }}"}),
        ("size", {"body": "word " * 25_000}),
        (
            "alt",
            {"body": '<img src="https://shop.example/a.png">', "body_format": BodyFormat.HTML},
        ),
    ],
)
def test_what_is_unwise_is_warned_about(house: House, code: str, change: dict[str, object]) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    given: dict[str, object] = {
        "name": "Autumn",
        "subject": "Autumn books",
        "preheader": "New",
        "body": "Hello",
        "sender": get_sender_by_id(house.mailing_list.sender_id),
        "lists": (house.mailing_list,),
        **change,
    }
    with unit_of_work():
        campaigns.change_campaign(campaign, CampaignDraft(**given), campaign.revision)  # type: ignore[arg-type]
    assert _codes(campaign, Level.BLOCKING) == []
    assert sorted(_codes(campaign, Level.WARNING)) == sorted([code, "unsigned"])


@pytest.mark.requirement("E-040")
def test_it_is_said_whether_the_mails_are_signed(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    domain = organisations.signing_domain(get_sender_by_id(house.mailing_list.sender_id))
    assert _message(campaign, "unsigned") == (
        f"The mails leave here unsigned: there is no key for {domain}."
    )
    with unit_of_work():
        organisations.make_domain_keys(house.organisation, domain, (ED25519,))
    assert "unsigned" in _codes(campaign, Level.WARNING)
    with unit_of_work():
        organisations.begin_signing(house.organisation, domain)
    assert _codes(campaign, Level.WARNING) == ["ed25519_alone"]
    with unit_of_work():
        organisations.make_domain_keys(house.organisation, domain, (RSA, ED25519))
        organisations.begin_signing(house.organisation, domain)
    assert _message(campaign, "signed") == f"Every mail is signed by {domain} (DKIM)."


def test_a_mail_that_cannot_be_spliced_is_sent_the_slower_way_and_says_so(house: House) -> None:
    body = "Hello {{ campaign.unsubscribe_url | upper }}"
    campaign = make_draft(house.organisation, house.mailing_list, body=body)
    assert _message(campaign, "slower_way") == (
        "This campaign is sent the slower way because it changes or compares the link to unsubscribe "
        "or to the preferences."
    )


@pytest.mark.requirement("E-044")
@pytest.mark.parametrize("address", ["harbour.books@gmail.com", "ada@plants.example"])
def test_a_sender_who_may_not_send_from_there_starts_nothing(house: House, address: str) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    make_sender(make_organisation(DORA), from_address="dora@plants.example")
    with unit_of_work():  # as it was kept before this was asked
        db.session.add(
            Sender(organisation_id=house.organisation.id, from_name="Harbour", from_address=address)
        )
        db.session.flush()
        newest = organisations.list_senders(house.organisation)[-1]
        db.session.execute(sa.update(Campaign).values(sender_id=newest.id))
    db.session.refresh(campaign)
    assert _codes(campaign, Level.BLOCKING) == ["sender_domain"]
    with pytest.raises(Invalid, match="cannot come from"), unit_of_work():
        campaigns.start(campaign)
