"""The number of the check page is the number of mails: counted by the gate and by the renderer."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import campaigns, contacts, delivery, suppression
from mailer.campaigns import Campaign, Place
from mailer.delivery import DeliveryState
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.suppression import Reason, Scope
from tests.delivery.conftest import Mailing
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import make_draft

BODY = "Dear {{ contact.first_name }},\n\nthe autumn books are here.\n"


def _suppress(address: str, reason: Reason) -> None:
    contact = contact_of(address)
    assert contact.address_digest is not None
    entry = suppression.SuppressionEntry(
        organisation_id=contact.organisation_id,
        address_digest=contact.address_digest,
        scope=Scope.MARKETING,
        reason=reason,
    )
    db.session.add(entry)


def _send_to(campaign: Campaign) -> set[str]:
    """Whom a worker would write to now: claimed, and the mail can be made."""
    with unit_of_work():
        while delivery.plan(campaign.id):
            pass
    reached = set()
    with unit_of_work():
        composer = delivery.Composer(campaign)
        for recipient in delivery.claim(campaign.id, "bulk-1", limit=500).recipients:
            try:
                composer.compose(recipient)
                reached.add(recipient.address)
            except Invalid:
                pass
    return reached


def test_who_is_left_out_or_held_back_is_not_promised_a_mail(app: Flask, mailing: Mailing) -> None:
    people = make_people(mailing.mailing_list, 10, prefix="other")
    before = [mailing.campaign]
    _send_to(before[0])
    with unit_of_work():
        contacts.restrict(contact_of(people[0]), "They say that the name is wrong.")
        contacts.pause(contact_of(people[1]), days=2)
        contacts.pause(contact_of(people[2]), days=300)
        _suppress(people[3], Reason.BOUNCE)
        _suppress(people[4], Reason.COMPLAINT)
        contact_of(people[5]).first_name = " "
        contacts.set_mail_interval(contact_of(people[6]), 7)
        db.session.execute(
            sa.update(delivery.Delivery)
            .where(delivery.Delivery.contact_id == contact_of(people[6]).id)
            .values(state=DeliveryState.ACCEPTED, settled_at=now() - timedelta(days=6))
        )
        contact_of(people[7]).first_name = ""
        contacts.pause(contact_of(people[7]), days=2)
    draft = make_draft(mailing.organisation, mailing.mailing_list, body=BODY)
    preview = campaigns.audience_preview(draft)
    assert (preview.people, preview.reachable) == (13, 5)
    assert preview.held == {"paused": 1, "too_often": 1}
    assert preview.left_out == {
        "restricted": 1,
        "paused": 1,
        "bounce": 1,
        "complaint": 1,
        "unrenderable": 2,
    }
    [bounced] = campaigns.list_at(draft, Place("bounce"), limit=9)
    assert bounced.address == people[3]
    with unit_of_work():
        campaigns.start(draft)
    assert _send_to(draft) == {*mailing.people, *people[8:]}


VALUES: list[dict[str, object]] = [
    {},
    {"company": "Acme", "since": "2024-02-01", "tags": ["a"]},
    {"company": "", "since": "yesterday"},
    {"company": " \u00a0", "tags": []},
    {"company": "Two\nlines"},
    {"company": "Müller & Töchter", "since": ""},
    {"company": "株式会社", "since": "2024-13-01"},
    {"company": None},
    {"company": 7, "tags": "none"},
    {"tags": ["", "b"]},
]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Books", "Dear {{ contact.company }}"),
        ("{{ contact.company }}", "Books"),
        ("Books", "{% if contact.company %}{{ contact.since }}{% else %}Hello{% endif %}"),
        ("Books", "{{ contact.since | date }}"),
        ("Books", "{{ contact.since | default('2024-01-01') | date('short') | upper }}"),
        ("Books", "{% if contact.company == 'Acme' %}{{ contact.tags | join }}{% endif %}."),
        ("Books", "{% for tag in contact.tags %}{{ tag }}{% endfor %}."),
        ("Books", "{{ contact.company | first | default('x') }}{{ contact.tags | length }}"),
        ("Books", "[a](https://a.example/{{ contact.company | lower }})"),
    ],
)
def test_who_lacks_a_value_is_found_as_the_renderer_finds_them(
    app: Flask, subject: str, body: str
) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    for number, fields in enumerate(VALUES):
        make_people(mailing_list, 1, prefix=f"p{number}-", fields=fields)
    draft = make_draft(organisation, mailing_list, subject=subject, body=body)
    preview = campaigns.audience_preview(draft)
    with unit_of_work():
        campaigns.start(draft)
    assert preview.people == len(VALUES)
    assert preview.reachable == len(_send_to(draft))
