from __future__ import annotations

from mailer.transport import Timeouts
from mailer.transport.phases import Fault
from mailer.transport.slots import Slots

FAULT = Fault("relay", "greeted with 421")
PATIENCE = Timeouts(reconnect=1, reconnect_most=4)


def test_one_connection_goes_alone_until_the_relay_is_usable() -> None:
    slots = Slots(3, PATIENCE)
    (scout,) = slots.free(0)
    scout.is_taken = True
    assert list(slots.free(0)) == []
    slots.found_usable()
    assert len(list(slots.free(0))) == 2


def test_a_relay_that_was_never_usable_gets_one_chance() -> None:
    slots = Slots(3, PATIENCE)
    (scout,) = slots.free(0)
    slots.count_fault(scout, FAULT, 0)
    assert slots.is_given_up
    assert slots.last_fault is FAULT
    assert list(slots.free(1000)) == []


def test_a_relay_that_was_usable_gets_three_with_growing_waits() -> None:
    slots = Slots(3, PATIENCE)
    (scout,) = slots.free(0)
    slots.found_usable()
    slots.count_fault(scout, FAULT, 10)
    assert (list(slots.free(10.9)), list(slots.free(11))) == ([], [scout])
    slots.count_fault(scout, FAULT, 11)
    assert (list(slots.free(12.9)), list(slots.free(13))) == ([], [scout])
    assert not slots.is_given_up
    slots.count_fault(scout, FAULT, 13)
    assert slots.is_given_up


def test_one_answered_mail_forgives() -> None:
    slots = Slots(1, PATIENCE)
    (scout,) = slots.free(0)
    slots.found_usable()
    slots.count_fault(scout, FAULT, 0)
    slots.count_fault(scout, FAULT, 0)
    slots.answered(scout)
    slots.count_fault(scout, FAULT, 0)
    assert not slots.is_given_up
    assert scout.failures == 1


def test_a_failing_slot_waits_while_the_others_work() -> None:
    slots = Slots(2, PATIENCE)
    (scout,) = slots.free(0)
    scout.is_taken = True
    slots.found_usable()
    (second,) = slots.free(0)
    for wait in (1, 2, 4, 4):
        slots.count_fault(second, FAULT, 100)
        assert second.not_before == 100 + wait
    assert (list(slots.free(103.9)), list(slots.free(104))) == ([], [second])
    assert not slots.is_given_up
