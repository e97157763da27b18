from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from mailer import consent, organisations
from mailer.consent import NoticeText
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotFound
from mailer.organisations import Organisation
from tests.support.factories import ADA, DORA, make_list, make_organisation

FULL = replace(
    ADA,
    phone="+353 1 555 0100",
    dpo_name="Petra Novak",
    dpo_contact="dpo@harbourbooks.example",
    representative="Harbour Books EU, Brussels",
    authority_url="https://dpc.example",
    recipients="Mail Relay Ltd carries our mail",
    transfers="None",
)


def words_of(text: NoticeText) -> str:
    return "\n".join(
        line
        for section in text.sections
        for line in (section.heading, *section.paragraphs, *section.points)
    )


def published_for(organisation: Organisation) -> NoticeText:
    with unit_of_work():
        notice = consent.publish_notice(organisation)
    return consent.read_notice(notice)


@pytest.mark.requirement("C-007")
def test_the_notice_says_what_article_13_asks_for(app: Flask) -> None:
    organisation = make_organisation(FULL)
    make_list(organisation)
    text = published_for(organisation)
    words = words_of(text)
    for said in (
        "Harbour Books Ltd, 12 Custom House Quay, D01 KF84 Dublin",
        "hello@harbourbooks.example",
        "Petra Novak, dpo@harbourbooks.example",
        "Harbour Books EU, Brussels",
        "We tell you about new books. The legal basis is your consent (GDPR Art. 6(1)(a)).",
        "“Monthly letter”",
        "once a month",
        "Mail Relay Ltd carries our mail.",
        "another 36 months",
        "withdraw your consent at any time",
        "Data Protection Commission, https://dpc.example",
    ):
        assert said in words
    for article in range(15, 23):
        assert f"(Art. {article})" in words
    assert {section.key for section in text.sections} >= {
        "transfers",
        "no-duty",
        "no-automation",
        "objection",
    }


@pytest.mark.requirement("C-081")
def test_the_notice_tells_of_the_proof_and_the_suppression_entry(app: Flask) -> None:
    words = words_of(published_for(make_organisation()))
    assert "suppression entry" in words
    assert "still your personal data" in words
    assert "anonymous" not in words


def test_a_notice_gets_a_new_number_only_when_its_words_change(app: Flask) -> None:
    organisation = make_organisation()
    with unit_of_work():
        first = consent.publish_notice(organisation)
    with unit_of_work():
        assert consent.publish_notice(organisation).id == first.id
    assert consent.is_notice_published(organisation)
    with unit_of_work():
        organisations.change_organisation(organisation, replace(ADA, city="Cork"))
    assert not consent.is_notice_published(organisation)
    with unit_of_work():
        second = consent.publish_notice(organisation)
    assert (first.number, second.number) == (1, 2)
    assert "Dublin" in words_of(consent.read_notice(first))
    assert "Cork" in words_of(consent.read_notice(second))
    assert [item.number for item in consent.list_notices(organisation)] == [2, 1]


def test_a_notice_can_be_found_by_id_and_number(app: Flask) -> None:
    ada, dora = make_organisation(), make_organisation(DORA)
    assert consent.current_notice(ada) is None
    with unit_of_work():
        notice = consent.publish_notice(ada)
    assert consent.get_notice(notice.public_id).id == notice.id
    assert consent.get_notice_numbered(ada, 1).id == notice.id
    for wrong in (
        lambda: consent.get_notice("ntc_unknown"),
        lambda: consent.get_notice_numbered(dora, 1),
        lambda: consent.get_notice_by_id(9),
    ):
        with pytest.raises(NotFound):
            wrong()


@pytest.mark.requirement("C-101")
def test_measuring_is_named_as_something_asked_for_separately(app: Flask) -> None:
    assert "Only if you agreed to it separately" in words_of(published_for(make_organisation()))
