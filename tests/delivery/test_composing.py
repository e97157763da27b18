from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest

from mailer import campaigns, delivery, organisations, subscriptions
from mailer.delivery import Composer
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.tokens import Purpose, read_lasting
from mailer.organisations import get_sender_by_id
from mailer.rendering import ED25519, RSA
from mailer.transport import Envelope
from tests.delivery.conftest import Mailing
from tests.support.mail_signatures import is_signed, signatures_of
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import make_started


def _first(mailing: Mailing) -> Envelope:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        claim = delivery.claim(mailing.campaign.id, "me", limit=1)
        delivery.release("me", [one.delivery_id for one in claim.recipients])
        composer = Composer(campaigns.get_campaign_by_id(mailing.campaign.id))
    return composer.compose(claim.recipients[0])


def _read(envelope: Envelope) -> EmailMessage:
    return cast("EmailMessage", message_from_bytes(envelope.body, policy=policy.default))


@pytest.mark.requirement("E-020")
def test_a_mail_says_who_it_is_from_and_how_to_leave(mailing: Mailing) -> None:
    envelope = _first(mailing)
    mail = _read(envelope)
    assert envelope.rcpt_to == mailing.people[0]
    assert envelope.mail_from == "letters@harbourbooks.example"
    assert mail["From"] == "Harbour Books <letters@harbourbooks.example>"
    assert mailing.people[0] in mail["To"]
    assert mail["Subject"] == "Autumn books"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(
        r"Monthly letter <monthly-letter-\w{6}\.harbourbooks\.example>", mail["List-Id"]
    )
    found = re.fullmatch(r"<http://localhost/u/([^>]+)>", mail["List-Unsubscribe"])
    assert found is not None
    contact = contact_of(mailing.people[0])
    assert read_lasting(Purpose.UNSUBSCRIBE, found[1]) == [
        contact.public_id,
        mailing.mailing_list.public_id,
        mailing.campaign.public_id,
    ]
    for name in ("From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe"):
        assert len(mail.get_all(name) or []) == 1


@pytest.mark.requirement("E-032")
def test_complaints_can_be_counted_by_campaign_and_sender(mailing: Mailing) -> None:
    fields = str(_read(_first(mailing))["Feedback-ID"]).split(":")
    assert len(fields) == 4
    assert len(set(fields)) == 4
    assert fields[0] == mailing.campaign.public_id
    assert 5 <= len(fields[3]) <= 15


@pytest.mark.requirement("E-003")
def test_headers_for_machines_hold_no_encoded_words(mailing: Mailing) -> None:
    with unit_of_work():
        sender = get_sender_by_id(mailing.mailing_list.sender_id)
        organisations.change_sender(sender, "Bücher am Hafen", "brief@bücher.example", "")
    head = _first(mailing).body.partition(b"\r\n\r\n")[0]
    lines = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    for name in (b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Message-ID", b"Feedback-ID"):
        assert b"=?" not in fields[name]
    assert b"=?utf-8?" in fields[b"From"]
    assert b"brief@xn--bcher-kva.example" in fields[b"From"]
    assert fields[b"Message-ID"].endswith(b"@xn--bcher-kva.example>")


def test_both_parts_hold_the_footer_with_reason_imprint_and_links(mailing: Mailing) -> None:
    mail = _read(_first(mailing))
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        folded = " ".join(part.split())
        assert "because you subscribed to Monthly letter on" in folded
        assert "12 Custom House Quay" in folded
        assert "http://localhost/u/" in folded
        assert "http://localhost/p/" in folded
        assert f"http://localhost/notice/{mailing.organisation.public_id}" in folded


def test_a_mail_made_again_has_the_same_message_id(mailing: Mailing) -> None:
    first, again = _read(_first(mailing)), _read(_first(mailing))
    assert first["Message-ID"] == again["Message-ID"]
    other = delivery.message_id("cmp_x", "con_y", "example.org")
    assert other != delivery.message_id("cmp_x", "con_z", "example.org")
    assert other != first["Message-ID"]


def test_what_cannot_be_made_says_which_placeholder(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 1, prefix="nameless", first_name="")
    body = "Dear {{ contact.first_name }}!"
    campaign = make_started(mailing.organisation, mailing.mailing_list, body=body)
    with unit_of_work():
        delivery.plan(campaign.id)
        claim = delivery.claim(campaign.id, "me", limit=10)
        composer = Composer(campaigns.get_campaign_by_id(campaign.id))
    for recipient in claim.recipients[:-1]:
        assert recipient.name.encode() in composer.compose(recipient).body
    with pytest.raises(Invalid, match=r"contact\.first_name"):
        composer.compose(claim.recipients[-1])


@pytest.mark.requirement("E-040")
@pytest.mark.requirement("E-021")
def test_mails_are_signed_when_the_senders_domain_has_keys(mailing: Mailing) -> None:
    organisation, domain = mailing.organisation, "harbourbooks.example"
    assert signatures_of(_first(mailing).body) == 0
    with unit_of_work():
        keys = organisations.make_domain_keys(organisation, domain, (RSA, ED25519))
        organisations.begin_signing(organisation, domain)
        records = [organisations.dns_record(key) for key in keys]
    mail = _first(mailing).body
    assert signatures_of(mail) == 2
    assert is_signed(mail, records)


@pytest.mark.requirement("E-024")
def test_the_links_of_a_mail_are_the_addresses_that_are_made_one_by_one(mailing: Mailing) -> None:
    contact = contact_of(mailing.people[0]).public_id
    wanted = subscriptions.unsubscribe_url(
        contact, mailing.mailing_list.public_id, mailing.campaign.public_id
    )
    mail = _read(_first(mailing))
    assert mail["List-Unsubscribe"] == f"<{wanted}>"
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert wanted in part.get_content()
        assert subscriptions.preferences_url(contact) in part.get_content()


def test_a_campaign_of_the_slower_way_says_so_and_is_written_all_the_same(mailing: Mailing) -> None:
    body = "{{ campaign.unsubscribe_url | replace('http', 'HTTP') }}"
    campaign = make_started(mailing.organisation, mailing.mailing_list, body=body)
    with unit_of_work():
        delivery.plan(campaign.id)
        claim = delivery.claim(campaign.id, "me", limit=1)
        composer = Composer(campaigns.get_campaign_by_id(campaign.id))
    assert "changes or compares the link" in composer.slow_because
    part = _read(composer.compose(claim.recipients[0])).get_body(("plain",))
    assert part is not None
    assert "\r\nHTTP://localhost/u/con_" in part.get_content()
