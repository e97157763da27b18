from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mailer.consent import Origin, Provenance
from mailer.delivery import (
    Alarm,
    DeliveryState,
    Retries,
    asks_to_wait,
    is_about_the_sender,
    result_of,
)
from mailer.delivery.reasons import why
from mailer.organisations import Organisation
from mailer.transport import Outcome, OutcomeKind, Stage

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
K, S = OutcomeKind, DeliveryState


def _outcome(
    kind: OutcomeKind, code: int | None, enhanced: str | None = None, stage: Stage = "rcpt"
) -> Outcome:
    return Outcome(
        key="d1",
        kind=kind,
        code=code,
        enhanced=enhanced,
        text="said",
        relay="relay.test:25",
        at=AT,
        stage=stage,
        tls=False,
    )


@pytest.mark.parametrize(
    ("outcome", "state", "is_try"),
    [
        (_outcome(K.ACCEPTED, 250, stage="body"), S.ACCEPTED, True),
        (_outcome(K.REFUSED, 550), S.REFUSED, True),
        (_outcome(K.DEFERRED, 451), S.DEFERRED, True),
        (_outcome(K.UNCERTAIN, None, stage="body"), S.UNCERTAIN, True),
        (_outcome(K.UNSENT, 421), S.PLANNED, False),
        (_outcome(K.REFUSED, 550, "5.7.1", stage="mail"), S.PLANNED, False),
    ],
)
def test_each_outcome_has_its_state(outcome: Outcome, state: DeliveryState, is_try: bool) -> None:
    result = result_of(1, 0, outcome)
    assert (result.state, result.is_try) == (state, is_try)


@pytest.mark.requirement("E-085")
def test_each_try_waits_twice_as_long_until_two_days_are_over() -> None:
    waits, at, tries = [], AT, 0
    while (due := Retries().next_after(at, tries, AT)) is not None:
        waits.append((due - at) // timedelta(minutes=1))
        at, tries = due, tries + 1
    assert waits[:6] == [30, 60, 120, 240, 240, 240]
    assert at <= AT + timedelta(hours=48) < at + timedelta(hours=4)
    given_up = result_of(1, tries, replace(_outcome(K.DEFERRED, 451), at=at), first_tried_at=AT)
    assert given_up.state is S.REFUSED
    assert "Gave up after" in given_up.reply_text


@pytest.mark.requirement("E-065")
@pytest.mark.parametrize(
    ("outcome", "asks"),
    [
        (_outcome(K.DEFERRED, 451, "4.7.1"), True),
        (_outcome(K.UNSENT, 421), True),
        (_outcome(K.DEFERRED, 451, "4.2.2"), False),
        (_outcome(K.REFUSED, 550, "5.7.1"), False),
        (_outcome(K.UNSENT, 421, stage="connect"), False),
        (_outcome(K.UNSENT, 451, "4.7.1", stage="mail"), False),
    ],
)
def test_a_destination_asks_to_wait_with_421_and_4_7(outcome: Outcome, asks: bool) -> None:
    assert asks_to_wait(outcome) is asks


def test_a_refusal_of_the_sender_is_told_from_one_of_the_recipient() -> None:
    assert is_about_the_sender(_outcome(K.REFUSED, 550, stage="mail"))
    assert not is_about_the_sender(_outcome(K.REFUSED, 550, stage="rcpt"))


@pytest.mark.requirement("E-092")
def test_the_alarm_rings_above_five_percent_after_a_hundred_answers() -> None:
    alarm = Alarm()
    said = [alarm.hear(_outcome(K.REFUSED, 550, "5.1.1")) for _ in range(6)]
    said += [alarm.hear(_outcome(K.ACCEPTED, 250)) for _ in range(93)]
    assert set(said) == {None}
    assert "6 of 100" in (alarm.hear(_outcome(K.ACCEPTED, 250)) or "")


@pytest.mark.requirement("E-082")
def test_objections_to_us_are_no_dead_addresses_but_pause_in_a_row() -> None:
    alarm = Alarm()
    said = [alarm.hear(_outcome(K.REFUSED, 550, "5.7.26")) for _ in range(19)]
    alarm.hear(_outcome(K.ACCEPTED, 250))
    said += [alarm.hear(_outcome(K.REFUSED, 550, "5.7.26")) for _ in range(19)]
    assert set(said) == {None}
    assert "matter of policy" in (alarm.hear(_outcome(K.REFUSED, 550, "5.7.26")) or "")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en-GB", "You receive this because you subscribed to News on 3 March 2026."),
        ("de", "Sie erhalten diese Nachricht, weil Sie News am 3.3.2026 abonniert haben."),
        ("fr", "You receive this because you subscribed to News on 3 March 2026."),
    ],
)
def test_the_reason_is_said_in_the_language_of_the_mail(language: str, sentence: str) -> None:
    form = Provenance(Origin.FORM)
    assert why(language, "News", Organisation(name="Shop"), date(2026, 3, 3), form) == sentence
