from __future__ import annotations

from collections.abc import Iterator

from mailer.transport import Envelope
from mailer.transport.stock import Stock
from tests.transport.conftest import envelope, envelopes


def test_nothing_is_pulled_unasked() -> None:
    source = envelopes(3)
    stock = Stock(source)
    assert (stock.pull(), len(stock)) == (True, 1)
    assert stock.take() == envelope(0)
    assert [mail.key for mail in source] == ["d1", "d2"]


def test_what_is_put_back_comes_next() -> None:
    stock = Stock(envelopes(2))
    first = stock.take()
    assert first is not None
    stock.put_back(first)
    assert stock.take() is first
    assert stock.take() == envelope(1)
    assert stock.take() is None
    assert stock.is_out_of_work


def test_after_nothing_at_the_moment_the_source_rests_until_it_is_woken() -> None:
    asked = 0

    def source() -> Iterator[Envelope | None]:
        nonlocal asked
        for mail in (None, envelope(0)):
            asked += 1
            yield mail

    stock = Stock(source())
    assert [stock.take(), stock.take(), asked] == [None, None, 1]
    stock.wake()
    assert stock.take() == envelope(0)


def test_an_error_of_the_source_is_kept() -> None:
    def source() -> Iterator[Envelope]:
        yield envelope(0)
        raise LookupError

    stock = Stock(source())
    assert stock.take() == envelope(0)
    assert stock.take() is None
    assert isinstance(stock.error, LookupError)


def test_draining_hands_out_what_waits_and_pulls_nothing() -> None:
    source = envelopes(3)
    stock = Stock(source)
    stock.pull()
    assert [mail.key for mail in stock.drain()] == ["d0"]
    assert [mail.key for mail in source] == ["d1", "d2"]
