"""People who agreed to be counted, campaigns that count, and the mails that come of them."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import sqlalchemy as sa

from mailer import campaigns, consent, delivery
from mailer.campaigns import Campaign
from mailer.consent import TRACKING
from mailer.contacts import Contact
from mailer.delivery import Composer, DeliveryState, Result
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.tracking import Click
from tests.support.make_audience import contact_of
from tests.support.make_campaigns import make_draft

BOOKS, SHOP = "https://books.example/autumn?from=mail&page=1", "https://shop.example/"
BODY = (
    f"Dear {{{{ contact.first_name | default('reader') }}}}, [books]({BOOKS}), [the shop]({SHOP}),"
    f" [books again]({BOOKS}), [yours](https://books.example/{{{{ contact.email }}}}).\n"
)


def agree(address: str) -> None:
    """Have somebody agree to be counted."""
    with unit_of_work():
        subject = consent.get_subject(contact_of(address).subject_id)
        consent.record_given(subject, TRACKING, {"method": "test"})


def make_counting(
    organisation: Organisation,
    mailing_list: MailingList,
    *,
    body: str = BODY,
    counts_clicks: bool = True,
) -> Campaign:
    """A campaign that is being sent, with its clicks counted or not."""
    campaign = make_draft(organisation, mailing_list, body=body)
    with unit_of_work():
        campaign = campaigns.get_campaign_by_id(campaign.id)
        campaign.counts_clicks = counts_clicks
        campaigns.start(campaign)
    return campaign


def plan(campaign: Campaign) -> None:
    with unit_of_work():
        delivery.plan(campaign.id)


def send(campaign: Campaign) -> dict[str, EmailMessage]:
    """Plan, claim, make and settle every mail as a worker does; by address."""
    plan(campaign)
    with unit_of_work():
        composer = Composer(campaigns.get_campaign_by_id(campaign.id))
        claim = delivery.claim(campaign.id, "me", limit=100)
    mails = {one.address: read(composer.compose(one).body) for one in claim.recipients}
    with unit_of_work():
        delivery.settle(
            "me",
            [
                Result(one.delivery_id, DeliveryState.ACCEPTED, now(), batch_id=one.batch_id)
                for one in claim.recipients
            ],
        )
    return mails


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part_of(mail: EmailMessage, kind: str = "html") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("&amp;", "&")


def path_in(mail: EmailMessage, kind: str = "c") -> str:
    """The path of a mail's first counted link ("c"), or of the one that ends the counting ("t")."""
    found = re.search(rf"http://localhost(/{kind}/[^\"]+)\"", part_of(mail))
    assert found is not None
    return found.group(1)


def clicks() -> list[tuple[str, int]]:
    """Address and number of the link of every click that was written down."""
    db.session.rollback()
    query = sa.select(Contact.address, Click.number).join(Contact, Contact.id == Click.contact_id)
    return [
        (address or "", number) for address, number in db.session.execute(query.order_by(Click.id))
    ]
