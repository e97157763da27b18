from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mailer.foundation import events
from mailer.foundation.events import Event, Listener


@dataclass(frozen=True, slots=True)
class ShopOpened(Event):
    door: int


class Recorder:
    """A listener that keeps what it was told while it is wanted."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.is_on = True

    def __call__(self, event: Event) -> None:
        if self.is_on:
            self.told.append(event)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    events.listen(recorder)
    yield recorder
    recorder.is_on = False


def test_listeners_are_told_in_order(recorder: Recorder) -> None:
    events.tell([ShopOpened(1), ShopOpened(2)])
    assert recorder.told == [ShopOpened(1), ShopOpened(2)]


def test_listening_twice_is_listening_once(recorder: Recorder) -> None:
    events.listen(recorder)
    events.tell([ShopOpened(1)])
    assert recorder.told == [ShopOpened(1)]


def test_a_listener_that_fails_keeps_nobody_else_from_hearing(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    failing = True

    def fail(_event: Event) -> None:
        if failing:
            raise RuntimeError("no")

    last = Recorder()
    listeners: tuple[Listener, ...] = (fail, last)
    for listener in listeners:
        events.listen(listener)
    with caplog.at_level(logging.ERROR):
        events.tell([ShopOpened(1)])
    failing = False
    last.is_on = False
    assert recorder.told == [ShopOpened(1)]
    assert last.told == [ShopOpened(1)]
    assert "a listener failed" in caplog.text
