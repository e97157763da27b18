"""What several workers see of one campaign counts together (E-092)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from mailer import campaigns, delivery
from mailer.delivery import Alarm, DeliveryState, Recipient
from mailer.foundation.database import unit_of_work
from mailer.transport import Outcome, OutcomeKind
from tests.delivery.conftest import Mailing
from tests.support.make_campaigns import counts_of, deliveries_of

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
K = OutcomeKind


def _outcome(kind: OutcomeKind, code: int, enhanced: str) -> Outcome:
    return Outcome(
        key="d1", kind=kind, code=code, enhanced=enhanced, text=f"{enhanced} said", relay="relay.test:25",
        at=AT, stage="rcpt", tls=False,
    )  # fmt: skip


def _share(mailing: Mailing, alarm: Alarm) -> str | None:
    with unit_of_work():
        everywhere = delivery.share_heard(mailing.campaign.id, alarm.take_heard())
    return alarm.hear_of_all(everywhere)


@pytest.mark.requirement("E-092")
def test_dead_addresses_that_two_workers_saw_ring_together(mailing: Mailing) -> None:
    first, second = Alarm(), Alarm()
    for alarm in (first, second):
        heard = [alarm.hear(_outcome(K.REFUSED, 550, "5.1.1")) for _ in range(4)]
        heard += [alarm.hear(_outcome(K.ACCEPTED, 250, "2.0.0")) for _ in range(56)]
        assert set(heard) == {None}  # sixty answers say nothing yet
    assert _share(mailing, first) is None
    assert "8 of 120" in (_share(mailing, second) or "")


@pytest.mark.requirement("E-092")
def test_objections_of_one_destination_in_a_row_ring_over_two_workers(mailing: Mailing) -> None:
    first, second = Alarm(), Alarm()
    for _ in range(12):
        assert first.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google") is None
        assert second.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google") is None
        assert second.hear(_outcome(K.ACCEPTED, 250, "2.0.0"), "microsoft") is None
    assert _share(mailing, first) is None
    assert "24 mails at google" in (_share(mailing, second) or "")


def test_an_acceptance_between_breaks_the_row(mailing: Mailing) -> None:
    first, second = Alarm(), Alarm()
    for _ in range(15):
        first.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google")
    assert _share(mailing, first) is None
    first.hear(_outcome(K.ACCEPTED, 250, "2.0.0"), "google")
    assert _share(mailing, first) is None
    for _ in range(15):
        second.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google")
    assert _share(mailing, second) is None


def test_after_a_pause_by_alarm_counting_begins_anew(mailing: Mailing) -> None:
    alarm = Alarm()
    for _ in range(19):
        alarm.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google")
    assert _share(mailing, alarm) is None
    with unit_of_work():
        delivery.forget_alarm(mailing.campaign.id)
    again = Alarm()
    again.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google")
    assert _share(mailing, again) is None


@pytest.mark.requirement("E-092")
def test_what_is_being_told_to_the_others_counts_meanwhile(mailing: Mailing) -> None:
    """A page is written while mails go on: few dead addresses among many stay few."""
    alarm = Alarm()
    for _ in range(1_000):
        alarm.hear(_outcome(K.ACCEPTED, 250, "2.0.0"))
    for _ in range(12):
        alarm.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google")
    told = alarm.take_heard()
    heard = [alarm.hear(_outcome(K.REFUSED, 550, "5.1.1")) for _ in range(6)]
    heard += [alarm.hear(_outcome(K.ACCEPTED, 250, "2.0.0")) for _ in range(94)]
    heard += [alarm.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google") for _ in range(7)]
    assert set(heard) == {None}  # 6 of 1,100 are not many, and 19 in a row not too many
    assert "20 mails at google" in (alarm.hear(_outcome(K.REFUSED, 550, "5.7.1"), "google") or "")
    with unit_of_work():
        everywhere = delivery.share_heard(mailing.campaign.id, told)
    assert "20 mails at google" in (alarm.hear_of_all(everywhere) or "")


@pytest.mark.requirement("E-082")
def test_who_settles_late_is_given_back_as_well(mailing: Mailing) -> None:
    """One worker pauses the campaign for an answer about us while others still hold mails of it."""
    campaign_id = mailing.campaign.id
    with unit_of_work():
        delivery.plan(campaign_id)
        early = delivery.claim(campaign_id, "bulk-early", limit=1).recipients
        late = delivery.claim(campaign_id, "bulk-late", limit=2).recipients
    refused = _outcome(K.REFUSED, 550, "5.1.8")
    dead = _outcome(K.REFUSED, 550, "5.1.1")
    with unit_of_work():
        _settle("bulk-early", early, [refused])
    assert counts_of(mailing.campaign) == {DeliveryState.REFUSED: 1, DeliveryState.CLAIMED: 2}
    alarm = Alarm()
    said = [alarm.hear(refused, f"d{number}.test") for number in range(3)]
    assert said[:2] == [None, None]
    assert said[2] is not None
    assert alarm.series is not None
    with unit_of_work():
        campaigns.pause(campaigns.get_campaign_by_id(campaign_id), said[2])
        assert delivery.give_back(campaign_id, alarm.series) == 1
    with unit_of_work():
        _settle("bulk-late", late, [refused, dead])
    assert counts_of(mailing.campaign) == {DeliveryState.PLANNED: 2, DeliveryState.REFUSED: 1}
    assert all(one.due_at for one in deliveries_of(mailing.campaign) if one.state == "planned")


def _settle(owner: str, recipients: Sequence[Recipient], outcomes: list[Outcome]) -> None:
    delivery.settle(
        owner,
        [
            delivery.result_of(one.delivery_id, 0, outcome, batch_id=one.batch_id)
            for one, outcome in zip(recipients, outcomes, strict=True)
        ],
        done=[one.batch_id for one in recipients],
    )
