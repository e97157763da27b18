"""One run of a campaign worker against a relay that does what a test tells it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import sqlalchemy as sa

from mailer import campaigns, delivery, subscriptions, suppression
from mailer.campaigns import CampaignState
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs.delivery import close_campaigns, drain
from mailer.jobs.runner import Shift
from mailer.organisations import get_organisation_by_id
from mailer.suppression import Reason, Scope
from tests.jobs.conftest import RealParts
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import counts_of, deliveries_of, fresh, make_started
from tests.support.scripted_smtp import Session, hang_up

TAKEN = b"250 2.0.0 taken\r\n"
LIMIT_SECONDS = 1.0


@dataclass
class AtMail:
    """A relay's answer that lets something happen when the mail with this number arrives."""

    service: RealParts
    number: int
    act: Callable[[], None]
    seconds: float = 0.02  # how long each mail takes
    acted_at: float = 0.0
    late: list[float] = field(default_factory=list)  # when mails arrived after the act
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, _: Session) -> bytes:
        with self._lock:
            self._count += 1
            if self._count == self.number:
                with self.service.app.app_context():
                    with unit_of_work():
                        self.act()
                    db.session.remove()
                self.acted_at = time.monotonic()
            elif self.acted_at:
                self.late.append(time.monotonic() - self.acted_at)
        threading.Event().wait(self.seconds)
        return TAKEN


def test_everybody_of_the_audience_is_mailed_once(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(300)
    drain(0)
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 300}
    assert len(service.received) == len(set(service.received)) == 300
    assert fresh(campaign).state is CampaignState.SENT
    assert fresh(campaign).finished_at is not None


def test_a_database_that_was_away_costs_the_relay_no_rest(service: RealParts, shift: Shift) -> None:
    service.start_campaign(3)
    with db.engine.connect().execution_options(write=True) as holder, holder.begin():
        if db.engine.dialect.name == "postgresql":
            holder.exec_driver_sql("LOCK TABLE sending_owners IN ACCESS EXCLUSIVE MODE")
        drain(0)
        assert service.received == []
        assert not shift.rest.is_on
    drain(0)
    assert len(service.received) == 3


def test_two_campaigns_take_turns(service: RealParts, shift: Shift) -> None:
    first = service.start_campaign(600)
    second = make_started(service.organisation, service.mailing_list)
    drain(0)
    subjects = [one.body.split(b"\r\nMessage-ID: <")[1][:32] for one in service.smtp.received]
    assert len(set(subjects)) == 1200
    rows = {one.contact_id for one in deliveries_of(first)}
    assert rows == {one.contact_id for one in deliveries_of(second)}
    settled = [one.settled_at for one in deliveries_of(second) if one.settled_at]
    assert min(settled) < max(one.settled_at for one in deliveries_of(first) if one.settled_at)


@pytest.mark.parametrize("word", ["pause", "cancel"])
def test_stopping_a_campaign_takes_effect_within_a_second(
    service: RealParts, shift: Shift, word: str
) -> None:
    campaign = service.start_campaign(1000)
    stop = {"pause": campaigns.pause, "cancel": campaigns.cancel}[word]
    # So slow that what is claimed already would go on for several seconds.
    at_mail = AtMail(
        service, 20, lambda: stop(campaigns.get_campaign_by_id(campaign.id)), seconds=0.1
    )
    service.smtp.reactions["dot"] = at_mail
    drain(0)
    assert max(at_mail.late, default=0.0) < LIMIT_SECONDS
    counts = counts_of(campaign)
    assert counts[DeliveryState.CLAIMED] == 0
    assert counts[DeliveryState.ACCEPTED] == len(service.received) < 100
    left = DeliveryState.PLANNED if word == "pause" else DeliveryState.SKIPPED
    assert counts[left] == 1000 - len(service.received)


def test_a_resumed_campaign_goes_on_where_it_stopped(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(400)
    at_mail = AtMail(
        service, 50, lambda: campaigns.pause(campaigns.get_campaign_by_id(campaign.id))
    )
    service.smtp.reactions["dot"] = at_mail
    drain(0)
    assert fresh(campaign).state is CampaignState.PAUSED
    with unit_of_work():
        campaigns.resume(campaigns.get_campaign_by_id(campaign.id))
    del service.smtp.reactions["dot"]
    drain(0)
    assert max(Counter(service.received).values()) == 1
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 400}


@pytest.mark.requirement("C-061")
def test_an_unsubscribe_between_planning_and_sending_wins(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(20)
    with unit_of_work():
        delivery.plan(campaign.id)
    leaver, suppressed = service.people[3], service.people[7]
    with unit_of_work():
        contact = contact_of(leaver)
        subscriptions.unsubscribe(contact, service.mailing_list, {"act": "link"})
        organisation = get_organisation_by_id(contact.organisation_id)
        digest = contact_of(suppressed).address_digest
        assert digest is not None
        suppression.suppress(organisation, digest, scope=Scope.ALL_MAIL, reason=Reason.COMPLAINT)
    drain(0)
    assert leaver not in service.received
    assert suppressed not in service.received
    reasons = Counter(one.skip_reason for one in deliveries_of(campaign))
    assert reasons == {None: 18, SkipReason.WITHDRAWN: 1, SkipReason.SUPPRESSED: 1}


@pytest.mark.requirement("C-061")
def test_an_unsubscribe_while_the_batch_is_on_the_wire_wins(
    service: RealParts, shift: Shift
) -> None:
    campaign = service.start_campaign(200)
    leaver = service.people[-1]

    def leave() -> None:
        subscriptions.unsubscribe(contact_of(leaver), service.mailing_list, {"act": "link"})

    service.smtp.reactions["dot"] = AtMail(service, 20, leave)
    drain(0)
    assert leaver not in service.received
    assert len(service.received) == 199
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 199, DeliveryState.SKIPPED: 1}
    assert deliveries_of(campaign)[-1].skip_reason is SkipReason.WITHDRAWN


def test_a_relay_that_is_down_holds_the_campaign_and_loses_nobody(
    service: RealParts, shift: Shift
) -> None:
    campaign = service.start_campaign(50)
    service.smtp.reactions["greeting"] = b"421 4.3.2 closed for the night\r\n"
    drain(0)
    held = fresh(campaign)
    assert held.state is CampaignState.SENDING
    assert "closed for the night" in held.held_because
    assert "we try again at" in held.held_because
    assert counts_of(campaign) == {DeliveryState.PLANNED: 50}
    del service.smtp.reactions["greeting"]
    drain(0)
    assert service.received == []  # it rests first
    shift.rest.end()
    drain(0)
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 50}
    assert fresh(campaign).held_because == ""
    assert {one.attempts for one in deliveries_of(campaign)} == {1}


def test_a_line_dropped_after_the_body_is_uncertain_and_not_sent_again(
    service: RealParts, shift: Shift
) -> None:
    campaign = service.start_campaign(60)
    dropped: list[str] = []

    def drop_some(session: Session) -> bytes:
        if session.rcpt_to in service.people[10:13]:
            dropped.append(session.rcpt_to)
            return hang_up(session)
        return TAKEN

    service.smtp.reactions["dot"] = drop_some
    drain(0)
    assert sorted(dropped) == sorted(service.people[10:13])
    counts = counts_of(campaign)
    assert counts == {DeliveryState.ACCEPTED: 57, DeliveryState.UNCERTAIN: 3}
    assert max(Counter(service.received).values()) == 1
    assert fresh(campaign).state is CampaignState.SENT


@pytest.mark.requirement("E-085")
def test_temporary_refusals_are_tried_until_the_time_is_over(
    service: RealParts, shift: Shift
) -> None:
    campaign = service.start_campaign(1)
    service.smtp.reactions["RCPT"] = b"451 4.3.0 come back later\r\n"
    for number in range(1, 4):
        drain(0)
        [row] = deliveries_of(campaign)
        assert row.attempts == number
        assert row.due_at is not None
        assert row.due_at > now() + timedelta(minutes=29)
        drain(0)
        assert deliveries_of(campaign)[0].attempts == number  # not due yet
        assert fresh(campaign).state is CampaignState.SENDING
        with unit_of_work():
            db.session.execute(sa.update(Delivery).values(due_at=now()))
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(first_tried_at=now() - timedelta(hours=48)))
    drain(0)
    [row] = deliveries_of(campaign)
    assert row.state is DeliveryState.REFUSED
    assert row.reply_code == 451
    assert row.reply_text.startswith("Gave up after 4 tries.")
    assert "come back later" in row.reply_text
    assert fresh(campaign).state is CampaignState.SENT


def test_a_permanent_refusal_is_kept_with_its_reply(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(30)
    unknown = service.people[5]

    def refuse_one(session: Session) -> bytes:
        if unknown in session.argument:
            return b"550 5.1.1 nobody here by that name\r\n"
        return b"250 2.1.5 ok\r\n"

    service.smtp.reactions["RCPT"] = refuse_one
    drain(0)
    counts = counts_of(campaign)
    assert counts == {DeliveryState.ACCEPTED: 29, DeliveryState.REFUSED: 1}
    row = deliveries_of(campaign)[5]
    assert (row.reply_code, row.reply_text) == (550, "5.1.1 nobody here by that name")


def test_who_was_refused_because_of_us_gets_it_once_that_is_mended_and_nobody_twice(
    service: RealParts, shift: Shift
) -> None:
    campaign = service.start_campaign(30)
    refused = set(service.people[3:30:3])
    service.smtp.reactions["RCPT"] = lambda session: (
        b"550-5.7.26 This mail is unauthenticated,\r\n550 5.7.26 see our help\r\n"
        if any(one in session.argument for one in refused)
        else b"250 2.1.5 ok\r\n"
    )
    drain(0)
    close_campaigns()
    assert fresh(campaign).state is CampaignState.SENT
    del service.smtp.reactions["RCPT"]
    service.smtp.received.clear()
    campaign = fresh(campaign)
    with unit_of_work():
        assert delivery.resend_left_out(campaign) == len(refused)
    drain(0)
    close_campaigns()
    assert sorted(service.received) == sorted(refused)
    assert fresh(campaign).state is CampaignState.SENT
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 30}


def test_a_refused_sender_pauses_the_campaign_and_costs_nobody_a_try(
    service: RealParts, shift: Shift
) -> None:
    campaign = service.start_campaign(30)
    service.smtp.reactions["MAIL"] = b"550 5.7.1 you may not send as this\r\n"
    drain(0)
    paused = fresh(campaign)
    assert paused.state is CampaignState.PAUSED
    assert "550 5.7.1 you may not send as this" in paused.held_because
    assert counts_of(campaign) == {DeliveryState.PLANNED: 30}
    assert {one.attempts for one in deliveries_of(campaign)} == {0}


@pytest.mark.requirement("E-092")
def test_too_many_dead_addresses_pause_the_campaign(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(600)

    def refuse_every_tenth(session: Session) -> bytes:
        is_dead = "0@example.org" in session.argument
        return b"550 5.1.1 no such mailbox\r\n" if is_dead else b"250 2.1.5 ok\r\n"

    service.smtp.reactions["RCPT"] = refuse_every_tenth
    drain(0)
    paused = fresh(campaign)
    assert paused.state is CampaignState.PAUSED
    assert "addresses do not exist" in paused.held_because
    counts = counts_of(campaign)
    assert 100 <= counts[DeliveryState.ACCEPTED] + counts[DeliveryState.REFUSED] < 150
    # What was heard of the campaign does not count once more after the pause.
    assert db.session.execute(sa.text("SELECT * FROM campaign_tallies")).all() == []
    with unit_of_work():
        campaigns.resume(campaigns.get_campaign_by_id(campaign.id))
    del service.smtp.reactions["RCPT"]
    drain(0)
    assert fresh(campaign).state is CampaignState.SENT


def test_who_cannot_be_rendered_is_left_out_with_the_reason(
    service: RealParts, shift: Shift
) -> None:
    make_people(service.mailing_list, 5, first_name="Cleo")
    make_people(service.mailing_list, 1, prefix="nameless", first_name="")
    campaign = make_started(
        service.organisation, service.mailing_list, body="Dear {{ contact.first_name }}!\n"
    )
    drain(0)
    counts = counts_of(campaign)
    assert counts == {DeliveryState.ACCEPTED: 5, DeliveryState.SKIPPED: 1}
    row = deliveries_of(campaign)[-1]
    assert row.skip_reason is SkipReason.UNRENDERABLE
    assert "first_name" in row.reply_text


def test_a_mail_that_can_be_made_for_nobody_pauses_the_campaign(
    service: RealParts, shift: Shift
) -> None:
    make_people(service.mailing_list, 60)
    campaign = make_started(
        service.organisation, service.mailing_list, body="Dear {{ contact.first_name }}!\n"
    )
    with unit_of_work():
        db.session.execute(sa.update(Contact).values(first_name=""))
    drain(0)
    paused = fresh(campaign)
    assert paused.state is CampaignState.PAUSED
    assert "could not be made for 21 people in a row" in paused.held_because
    assert counts_of(campaign) == {DeliveryState.SKIPPED: 21, DeliveryState.PLANNED: 39}
    assert service.received == []


def test_a_shift_that_ends_stops_claiming_and_settles(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(1000)

    def end() -> None:
        shift.is_ending = True

    service.smtp.reactions["dot"] = AtMail(service, 50, end)
    drain(0)
    counts = counts_of(campaign)
    assert counts[DeliveryState.CLAIMED] == 0
    assert counts[DeliveryState.ACCEPTED] == len(service.received) < 200
    assert counts.total() == 1000
    assert not shift.failure


def test_a_cancelled_campaign_leaves_nobody_open(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(30)
    with unit_of_work():
        delivery.plan(campaign.id)
        campaigns.cancel(campaigns.get_campaign_by_id(campaign.id))
    drain(0)
    close_campaigns()
    assert service.received == []
    assert {one.skip_reason for one in deliveries_of(campaign)} == {SkipReason.CANCELLED}


def test_newcomers_without_a_field_do_not_pause_a_campaign_that_uses_it(
    service: RealParts, shift: Shift
) -> None:
    make_people(service.mailing_list, 1, fields={"company": "Acme"})
    campaign = make_started(
        service.organisation,
        service.mailing_list,
        body="Dear {{ contact.company | default('friend') }},\n\nthe autumn books are here.\n",
    )
    make_people(service.mailing_list, 501, prefix="late")
    drain(0)
    close_campaigns()
    assert fresh(campaign).state is CampaignState.SENT
