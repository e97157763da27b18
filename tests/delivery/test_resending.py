"""Sending to those who were left out, once nothing speaks against it any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from mailer import campaigns, contacts, delivery, subscriptions, suppression
from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.delivery.outcomes import is_about_us
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import NotAllowed
from mailer.organisations import get_organisation_by_id
from mailer.suppression import Reason, Scope
from tests.delivery.conftest import Mailing
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import counts_of, deliveries_of, fresh, make_draft

S = DeliveryState
BODY = "Dear {{ contact.first_name }}, the autumn books are here."
AUTH = "5.7.26 This mail is unauthenticated"


def _settle(address: str, campaign_id: int, state: DeliveryState, **values: object) -> None:
    db.session.execute(
        sa.update(Delivery)
        .where(
            Delivery.campaign_id == campaign_id,
            Delivery.contact_id
            == sa.select(Contact.id).where(Contact.address == address).scalar_subquery(),
        )
        .values(state=state, due_at=None, owner=None, settled_at=now(), **values)
    )


def _sent(mailing: Mailing, again: list[str], never: list[str]) -> Campaign:
    """A campaign that went to some, and left out others for all kinds of reasons."""
    campaign = make_draft(mailing.organisation, mailing.mailing_list, body=BODY)
    with unit_of_work():
        campaigns.start(campaign)
    with unit_of_work():
        delivery.plan(campaign.id)
        skipped = {
            again[0]: SkipReason.PAUSED,
            again[1]: SkipReason.RESTRICTED,
            again[2]: SkipReason.UNRENDERABLE,
            again[3]: SkipReason.TOO_OFTEN,
            never[0]: SkipReason.PAUSED,  # still is
            never[1]: SkipReason.WITHDRAWN,
            never[2]: SkipReason.UNRENDERABLE,  # still is
            never[3]: SkipReason.PAUSED,  # has left since
        }
        for one in mailing.people:
            _settle(one, campaign.id, S.ACCEPTED)
        for one, reason in skipped.items():
            _settle(one, campaign.id, S.SKIPPED, skip_reason=reason)
        long_ago = now() - timedelta(days=9)
        ours = {"reply_code": 550, "reply_text": AUTH, "attempts": 3, "first_tried_at": long_ago}
        _settle(again[4], campaign.id, S.REFUSED, **ours)
        _settle(never[4], campaign.id, S.REFUSED, reply_code=550, reply_text="5.1.1 no such user")
        _settle(never[5], campaign.id, S.UNCERTAIN)
        campaigns.finish(campaign)
        contacts.pause(contact_of(never[0]), days=300)
        contact_of(never[2]).first_name = ""
        subscriptions.unsubscribe(contact_of(never[3]), mailing.mailing_list, {"method": "link"})
    return fresh(campaign)


def test_who_was_left_out_gets_it_once_the_reason_has_passed_or_was_ours(mailing: Mailing) -> None:
    people = make_people(mailing.mailing_list, 12, prefix="other")
    again, never = people[:6], people[6:]
    campaign = _sent(mailing, again, never)
    with unit_of_work():
        organisation = get_organisation_by_id(mailing.organisation.id)
        digest = contact_of(again[5]).address_digest or ""
        suppression.suppress(organisation, digest, scope=Scope.MARKETING, reason=Reason.BOUNCE)
        _settle(again[5], campaign.id, S.SKIPPED, skip_reason=SkipReason.SUPPRESSED)
    assert delivery.count_left_out(campaign) == 5
    with unit_of_work():
        suppression.lift_bounce(organisation, digest, "They wrote to us.")
        delivery.resend_uncertain(campaign)
        _settle(never[5], campaign.id, S.REFUSED, reply_code=550, reply_text=AUTH)
    campaign = fresh(campaign)
    assert delivery.count_left_out(campaign) == 6
    with unit_of_work():
        assert delivery.resend_left_out(campaign) == 6
    assert fresh(campaign).state is CampaignState.SENDING
    with unit_of_work():
        claim = delivery.claim(campaign.id, "bulk-1", limit=50)
    assert {one.address for one in claim.recipients} == set(again)
    assert {(one.attempts, one.first_tried_at) for one in claim.recipients} == {(0, None)}
    assert counts_of(campaign) == {S.ACCEPTED: 3, S.CLAIMED: 6, S.SKIPPED: 4, S.REFUSED: 2}
    assert len(deliveries_of(campaign)) == 15
    campaign = fresh(campaign)
    with unit_of_work():
        assert delivery.resend_left_out(campaign) == 0


def test_nobody_gets_a_campaign_after_all_that_was_cancelled_or_has_not_begun(
    mailing: Mailing,
) -> None:
    draft = make_draft(mailing.organisation, mailing.mailing_list)
    with unit_of_work(), pytest.raises(NotAllowed):
        delivery.resend_left_out(draft)
    with unit_of_work():
        campaigns.cancel(mailing.campaign)
    cancelled = fresh(mailing.campaign)
    with unit_of_work(), pytest.raises(NotAllowed):
        delivery.resend_left_out(cancelled)


@pytest.mark.parametrize(
    ("code", "text", "ours"),
    [
        (550, "5.7.26 This mail is unauthenticated", True),
        (550, "5.7.60 SMTP; Client does not have permissions to send as this sender", True),
        (550, "5.4.5 Daily user sending limit exceeded", True),
        (553, "5.1.8 <a@b.example>: Sender address rejected", True),
        (554, "Message rejected because of SPF policy", True),
        (454, "Gave up after 15 tries. The last answer was: 4.7.0 Throttling failure", True),
        (432, "Gave up after 15 tries. The last answer was: too many connections", True),
        (None, "The relay takes no addresses beyond ASCII.", True),
        (550, "5.1.1 <x@example.org>: no such user", False),
        (552, "5.2.2 mailbox full", False),
        (452, "Gave up after 15 tries. The last answer was: 4.2.2 over quota", False),
        (550, "User unknown", False),
        (550, "5.1.10 recipient not found", False),
    ],
)  # fmt: skip
def test_a_refusal_is_told_apart_by_whose_fault_it_was(
    code: int | None, text: str, ours: bool
) -> None:
    assert is_about_us(code, text) is ours
