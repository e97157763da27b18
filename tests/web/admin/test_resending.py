"""Sending again to who may have had it: all after typing how many, or one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mailer import accounts, campaigns, delivery
from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.paging import Cursor
from mailer.jobs.delivery import close_campaigns
from mailer.organisations import Organisation
from tests.support.editing_campaigns import path, state_of
from tests.support.make_accounts import TeamClient
from tests.support.make_campaigns import counts_of, deliveries_of


@pytest.fixture
def sent(campaign: Campaign, readers: list[Contact]) -> Campaign:
    """Sent to three people, of whom nobody knows about the last two."""
    with unit_of_work():
        campaigns.start(campaign)
    with unit_of_work():
        delivery.plan(campaign.id)
        claim = delivery.claim(campaign.id, "bulk-lost", limit=10)
        first, *others = claim.recipients
        moment = campaign.created_at
        results = [
            delivery.Result(
                first.delivery_id, DeliveryState.ACCEPTED, moment, batch_id=first.batch_id
            ),
            *(delivery.uncertain(one.delivery_id, moment, batch_id=one.batch_id) for one in others),
        ]
        delivery.settle("bulk-lost", results, done=[first.batch_id])
    close_campaigns()
    return campaign


@pytest.mark.requirement("E-093")
def test_all_uncertain_go_again_once_their_number_is_typed(
    sent: Campaign, organisation: Organisation, ada: TeamClient
) -> None:
    assert state_of(sent) is CampaignState.SENT
    assert "Send again to the 2 uncertain" in ada.get(path(sent)).text
    for wrong in ("", "3", "two"):
        assert ada.send(path(sent, "resend"), number=wrong).status_code == 422
    assert counts_of(sent)[DeliveryState.UNCERTAIN] == 2
    assert ada.send(path(sent, "resend"), number="2").status_code == 303
    assert state_of(sent) is CampaignState.SENDING
    assert counts_of(sent) == {DeliveryState.ACCEPTED: 1, DeliveryState.PLANNED: 2}
    with unit_of_work():
        assert len(delivery.claim(sent.id, "bulk-again", limit=10).recipients) == 2
    lines = accounts.list_audit(organisation, Cursor()).rows
    assert lines[0].entry.action == "sent uncertain mails again"
    assert lines[0].entry.details == {"people": 2}


def test_one_goes_again_and_the_other_does_not(sent: Campaign, ada: TeamClient) -> None:
    _, second, third = deliveries_of(sent)
    person = db.session.get_one(Contact, second.contact_id).public_id
    page = ada.get(path(sent, f"resend?person={person}")).text
    assert "Send again to this person" in page
    assert ada.send(path(sent, "resend"), person=person).status_code == 303
    states = {row.id: row.state for row in deliveries_of(sent)}
    assert states[second.id] is DeliveryState.PLANNED
    assert states[third.id] is DeliveryState.UNCERTAIN


def test_nothing_of_a_cancelled_campaign_goes_again(sent: Campaign, ada: TeamClient) -> None:
    with unit_of_work():
        db.session.execute(sa.update(Campaign).values(state=CampaignState.CANCELLED))
    assert ada.send(path(sent, "resend"), number="2").status_code == 409
    assert db.session.scalar(
        sa.select(sa.func.count()).where(Delivery.state == DeliveryState.UNCERTAIN)
    )


def test_those_refused_for_a_reason_of_ours_get_it_with_one_press(
    sent: Campaign, organisation: Organisation, ada: TeamClient
) -> None:
    _, second, _ = deliveries_of(sent)
    with unit_of_work():
        db.session.execute(
            sa.update(Delivery)
            .where(Delivery.id == second.id)
            .values(
                state=DeliveryState.REFUSED,
                reply_code=550,
                reply_text="5.7.26 This mail is unauthenticated",
            )
        )
    assert "Send to this person" in ada.get(path(sent)).text
    assert "1 person was left out or refused" in ada.get(path(sent, "left-out")).text
    assert ada.send(path(sent, "left-out")).status_code == 303
    assert state_of(sent) is CampaignState.SENDING
    with unit_of_work():
        [recipient] = delivery.claim(sent.id, "bulk-again", limit=10).recipients
    assert recipient.delivery_id == second.id
    line = accounts.list_audit(organisation, Cursor()).rows[0].entry
    assert (line.action, line.details) == ("sent to people left out", {"people": 1})
    assert ada.send(path(sent, "left-out")).status_code == 303
    assert counts_of(sent)[DeliveryState.ACCEPTED] == 1
