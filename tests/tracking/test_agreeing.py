"""Whose links are counted: those of people with a standing consent of its own to that, and nobody else's."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from mailer import campaigns, consent, delivery, tracking
from mailer.consent import TRACKING, ConsentRecord, Matter
from mailer.delivery import Composer
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.tokens import Purpose, read_lasting
from mailer.tracking import CountedLink
from tests.support.make_audience import contact_of
from tests.support.make_campaigns import deliveries_of
from tests.support.make_counted import (
    BOOKS,
    SHOP,
    agree,
    make_counting,
    part_of,
    path_in,
    plan,
    send,
)
from tests.tracking.conftest import Readers


def is_counted(mail: EmailMessage) -> bool:
    return any("http://localhost/c/" in part_of(mail, kind) for kind in ("html", "plain"))


def stop(address: str) -> None:
    with unit_of_work():
        tracking.stop(contact_of(address), {"method": "test"})


@pytest.mark.requirement("C-101")
@pytest.mark.requirement("C-102")
def test_only_who_agreed_gets_links_that_are_counted(readers: Readers) -> None:
    mails = send(make_counting(readers.organisation, readers.mailing_list))
    assert [is_counted(mails[one]) for one in (readers.cleo, *readers.others)] == [
        True,
        False,
        False,
    ]
    for kind in ("html", "plain"):
        counted, plain = part_of(mails[readers.cleo], kind), part_of(mails[readers.others[0]], kind)
        assert SHOP not in counted
        assert BOOKS not in counted
        assert f"https://books.example/{readers.cleo}" in counted
        assert plain.count(BOOKS) == 2
        assert "/t/" not in plain


@pytest.mark.requirement("C-101")
@pytest.mark.requirement("C-102")
def test_everybody_else_gets_the_same_bytes_as_if_nobody_was_counted(readers: Readers) -> None:
    campaign = make_counting(readers.organisation, readers.mailing_list)
    plan(campaign)
    with unit_of_work():
        found = campaigns.get_campaign_by_id(campaign.id)
        claim = delivery.claim(campaign.id, "me", limit=10)
        counting = Composer(found)
        found.counts_clicks = False
        silent = Composer(found)
    for one in claim.recipients[1:]:
        mails = [re.sub(rb"Date: .*", b"", made.compose(one).body) for made in (counting, silent)]
        assert mails[0] == mails[1]


@pytest.mark.requirement("C-100")
def test_a_campaign_counts_nobody_by_itself(readers: Readers) -> None:
    assert not campaigns.CampaignDraft(name="x").counts_clicks
    with unit_of_work():
        assert not campaigns.create_campaign(readers.organisation, None, "New").counts_clicks
    campaign = make_counting(readers.organisation, readers.mailing_list, counts_clicks=False)
    mails = send(campaign)
    assert not any(map(is_counted, mails.values()))
    assert {row.tracking_record_id for row in deliveries_of(campaign)} == {None}
    assert db.session.scalars(sa.select(CountedLink)).all() == []


def test_a_delivery_names_the_consent_that_lets_it_be_counted(readers: Readers) -> None:
    campaign = make_counting(readers.organisation, readers.mailing_list)
    plan(campaign)
    record = db.session.scalars(
        sa.select(ConsentRecord.id).where(ConsentRecord.matter == Matter.TRACKING)
    ).one()
    assert [row.tracking_record_id for row in deliveries_of(campaign)] == [record, None, None]


@pytest.mark.requirement("C-101")
def test_who_takes_it_back_between_planning_and_claiming_gets_clean_links(readers: Readers) -> None:
    agree(readers.others[0])
    campaign = make_counting(readers.organisation, readers.mailing_list)
    plan(campaign)
    stop(readers.cleo)
    mails = send(campaign)
    assert not is_counted(mails[readers.cleo])
    assert is_counted(mails[readers.others[0]])
    cleo, other, _ = deliveries_of(campaign)
    assert cleo.tracking_record_id is None
    assert other.tracking_record_id is not None


@pytest.mark.requirement("C-101")
def test_who_comes_back_is_asked_about_again(readers: Readers) -> None:
    campaign = make_counting(readers.organisation, readers.mailing_list)
    plan(campaign)
    with unit_of_work():
        first = delivery.claim(campaign.id, "me", limit=1).recipients
        assert [one.is_counted for one in first] == [True]
        delivery.release("me", [one.delivery_id for one in first])
    with unit_of_work():
        tracking.stop(contact_of(readers.cleo), {"method": "test"})
    with unit_of_work():
        again = delivery.claim(campaign.id, "me", limit=1).recipients
        assert [(one.address, one.is_counted) for one in again] == [(readers.cleo, False)]


def test_who_agreed_too_late_for_the_planning_is_not_counted(readers: Readers) -> None:
    campaign = make_counting(readers.organisation, readers.mailing_list)
    plan(campaign)
    agree(readers.others[0])
    assert not is_counted(send(campaign)[readers.others[0]])


@pytest.mark.requirement("C-107")
def test_a_token_is_made_of_random_ids_and_opens_nothing_else(readers: Readers) -> None:
    campaign = make_counting(readers.organisation, readers.mailing_list)
    mail = send(campaign)[readers.cleo]
    contact = contact_of(readers.cleo)
    token, number = path_in(mail).removeprefix("/c/").split("/")
    assert read_lasting(Purpose.CLICK, token) == [contact.public_id, campaign.public_id]
    assert number == "1"
    assert path_in(mail, "t") == f"/t/{token}"
    assert tracking.stop_url(contact.public_id, campaign.public_id).endswith(f"/t/{token}")
    for secret in (readers.cleo, contact.address_digest or "?"):
        assert secret not in path_in(mail)


def test_links_are_fixed_once_and_a_link_that_changed_since_stays_as_it_is(
    readers: Readers,
) -> None:
    body = f"[a]({SHOP}?by={{{{ organisation.contact_email }}}}) [b]({BOOKS})"
    campaign = make_counting(readers.organisation, readers.mailing_list, body=body)
    plan(campaign)
    with unit_of_work():
        db.session.get_one(
            type(readers.organisation), readers.organisation.id
        ).contact_email = "new@harbourbooks.example"
        tracking.fix_links(campaigns.get_campaign_by_id(campaign.id))
    html = part_of(send(campaign)[readers.cleo])
    assert f"{SHOP}?by=new" in html
    assert re.findall(r"/c/[^\"]+/(\d)\"", html) == ["2"]
    targets = db.session.execute(sa.select(CountedLink.number, CountedLink.target)).all()
    assert [tuple(row) for row in targets] == [
        (1, f"{SHOP}?by=hello@harbourbooks.example"),
        (2, BOOKS),
    ]


def test_pages_of_our_own_are_not_counted(readers: Readers) -> None:
    body = f"[form](http://localhost/f/frm_x) [notice](http://localhost/notice/org_x) [b]({BOOKS})"
    campaign = make_counting(readers.organisation, readers.mailing_list, body=body)
    html = part_of(send(campaign)[readers.cleo])
    assert "http://localhost/f/frm_x" in html
    assert "http://localhost/notice/org_x" in html
    assert list(tracking.numbers_of(campaign)) == [BOOKS]


def test_a_mail_without_a_link_to_count_says_nothing_of_counting(readers: Readers) -> None:
    campaign = make_counting(readers.organisation, readers.mailing_list, body="No link at all.")
    mail = send(campaign)[readers.cleo]
    assert not is_counted(mail)
    assert "/t/" not in part_of(mail)


def test_counted_mails_are_written_the_slower_way_too(readers: Readers) -> None:
    body = f"[a]({BOOKS}) {{{{ campaign.preferences_url | upper }}}}"
    campaign = make_counting(readers.organisation, readers.mailing_list, body=body)
    mails = send(campaign)
    assert is_counted(mails[readers.cleo])
    assert not is_counted(mails[readers.others[0]])


def test_agreeing_twice_is_agreeing_once_and_stopping_ends_all_of_it(readers: Readers) -> None:
    agree(readers.cleo)  # a second form
    contact = contact_of(readers.cleo)
    with unit_of_work():
        tracking.agree(contact, {"method": "test"})
        assert len(tracking.stop(contact, {"method": "test"})) == 2
    with unit_of_work():
        assert tracking.stop(contact, {"method": "test"}) == []
        assert not tracking.is_agreed(contact)
        tracking.agree(contact, {"method": "test"})
        tracking.agree(contact, {"method": "test"})
        subject = consent.get_subject(contact.subject_id)
        assert len(consent.list_valid(subject, TRACKING)) == 1
