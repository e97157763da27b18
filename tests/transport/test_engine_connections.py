"""How the engine treats the relay and its caller, apart from single mails."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from mailer.transport import (
    Envelope,
    OutcomeKind,
    RelayRefused,
    RelayUnavailable,
    Timeouts,
)
from tests.support.scripted_smtp import Reaction, ScriptedSmtp, Session, hang_up, keep_silent
from tests.support.waiting import take_time
from tests.transport.conftest import Run, envelope, envelopes, relay_at

ACCEPTED, DEFERRED, REFUSED, UNCERTAIN, UNSENT = OutcomeKind
BOTH_WAYS = pytest.mark.parametrize("offers", [("PIPELINING",), ()], ids=["pipelining", "lockstep"])


@pytest.mark.requirement("E-048")
def test_without_ehlo_helo_will_do_and_nothing_is_assumed(run: Run) -> None:
    with ScriptedSmtp(reactions={"EHLO": b"502 5.5.1 what\r\n"}) as server:
        run(envelopes(2), relay_at(server.port))
    assert run.kinds() == [ACCEPTED] * 2
    assert "HELO us.test" in server.commands
    assert "MAIL FROM:<bounce@ours.test>" in server.commands


def test_a_relay_that_wants_no_more_on_this_line_is_dialled_again(run: Run) -> None:
    def once(session: Session) -> bytes:
        return b"250 ok\r\n" if session.mails < 1 else hang_up(session)

    with ScriptedSmtp(offers=(), reactions={"MAIL": once}) as server:
        run(envelopes(4), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, UNSENT, ACCEPTED, UNSENT]


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("greeting", b"554 5.3.2 not today\r\n"),
        ("greeting", b"421 4.3.2 busy\r\n"),
        ("greeting", b"HTTP/1.1 400 Bad Request\r\n"),
        ("EHLO", b"421 4.3.2 busy\r\n"),
        ("EHLO", b"451 4.3.2 busy\r\n"),
    ],
)
def test_a_relay_that_will_not_begin_is_unavailable(run: Run, step: str, answer: bytes) -> None:
    with ScriptedSmtp(reactions={step: answer}) as server:
        with pytest.raises(RelayUnavailable) as raised:
            run(envelopes(50), relay_at(server.port), connections=4)
        assert f"127.0.0.1:{server.port}" in str(raised.value)
    assert answer[:20].decode().strip() in str(raised.value)
    assert run.kinds() == [UNSENT]
    assert server.connections == 1


def test_nobody_there_is_unavailable(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RelayUnavailable, match="refused"):
        run(envelopes(5), relay_at(port))
    assert run.kinds() == [UNSENT]


def test_an_unknown_host_is_unavailable(run: Run) -> None:
    with pytest.raises(RelayUnavailable):
        run(envelopes(5), relay_at(25, host="no-such-host.invalid"))
    assert run.kinds() == [UNSENT]


def test_a_relay_that_takes_no_sender_for_now_is_tried_three_times(run: Run) -> None:
    reactions: dict[str, Reaction] = {"MAIL": b"452 4.3.1 disk full\r\n"}
    with (
        ScriptedSmtp(reactions=reactions) as server,
        pytest.raises(RelayUnavailable, match="disk full"),
    ):
        run(envelopes(50), relay_at(server.port))
    assert run.kinds() == [UNSENT] * 3
    assert {outcome.stage for outcome in run.outcomes} == {"mail"}


def test_a_relay_that_limits_connections_is_used_with_those_it_gives(run: Run) -> None:
    def only_two(session: Session) -> bytes:
        return b"220 hi\r\n" if session.number in (1, 2) else b"421 4.7.0 too many\r\n"

    with ScriptedSmtp(reactions={"greeting": only_two}) as server:
        run(envelopes(60), relay_at(server.port), connections=6)
    assert run.kinds() == [ACCEPTED] * 60


@BOTH_WAYS
def test_stopping_finishes_what_is_on_the_wire_and_begins_nothing(
    run: Run, offers: tuple[str, ...]
) -> None:
    going = [True]

    def stop_here(session: Session) -> bytes:
        if session.mails == 3:
            going[0] = False
            take_time(0.3)
        return b"250 2.0.0 taken\r\n"

    with ScriptedSmtp(offers=offers, reactions={"dot": stop_here}) as server:
        run(envelopes(1000), relay_at(server.port), poll=lambda: going[0])
        server.settle()
    kinds = run.kinds()
    assert kinds[:3] == [ACCEPTED] * 3
    assert kinds[3:] == [UNSENT] * len(offers)
    assert len(server.received) == 3


def test_a_stopped_run_begins_nothing_at_all(run: Run) -> None:
    with ScriptedSmtp() as server:
        run(envelopes(5), relay_at(server.port), poll=lambda: False)
    assert (run.outcomes, run.pulled, server.connections) == ([], 0, 0)


def test_nothing_is_pulled_further_ahead_than_two_for_each_connection(run: Run) -> None:
    ahead = 0
    all_there = threading.Event()

    def answer_once_all_are_there(session: Session) -> bytes:
        if session.server.connections == 3:
            all_there.set()
        assert all_there.wait(5)
        return b"250 ok\r\n"

    def watched() -> Iterator[Envelope]:
        nonlocal ahead
        for number in range(200):
            yield envelope(number)
            ahead = max(ahead, number + 1 - len(run.outcomes))

    with ScriptedSmtp(reactions={"dot": answer_once_all_are_there}) as server:
        run(watched(), relay_at(server.port), connections=3)
    assert 3 < ahead <= 6


def test_a_few_mails_open_no_more_connections_than_they_need(run: Run) -> None:
    with ScriptedSmtp() as server:
        run(envelopes(1), relay_at(server.port), connections=8)
    assert server.connections == 1
    assert server.commands[-1] == "QUIT"


def test_a_connection_that_is_no_longer_needed_is_not_waited_for(run: Run) -> None:
    def greet_the_first(session: Session) -> bytes:
        return b"220 hi\r\n" if session.number == 1 else keep_silent(session)

    unhurried = Timeouts(greeting=30)
    began = time.monotonic()
    with ScriptedSmtp(reactions={"greeting": greet_the_first}) as server:
        run(envelopes(20), relay_at(server.port, timeouts=unhurried), connections=2)
    assert run.kinds() == [ACCEPTED] * 20
    assert server.connections == 2
    assert time.monotonic() - began < 5


def test_nothing_at_the_moment_is_asked_again(run: Run) -> None:
    def with_gaps() -> Iterator[Envelope | None]:
        for number in range(4):
            yield None
            yield envelope(number)

    with ScriptedSmtp() as server:
        run(with_gaps(), relay_at(server.port), connections=2)
    assert run.kinds() == [ACCEPTED] * 4


def test_what_the_source_raises_is_raised_once_the_wire_is_quiet(run: Run) -> None:
    def breaking() -> Iterator[Envelope]:
        yield from envelopes(3)
        raise LookupError("the database is gone")

    with ScriptedSmtp() as server, pytest.raises(LookupError, match="database"):
        run(breaking(), relay_at(server.port))
    assert len(run.by_key) == 3
    assert run.kinds().count(ACCEPTED) == len(server.received)


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
def test_credentials_are_given_in_the_offered_way(run: Run, method: str) -> None:
    def prompt(session: Session) -> bytes:
        if session.argument.startswith("LOGIN"):
            session.say(b"334 VXNlcm5hbWU6\r\n")
            assert session.line.recv(100) == b"w7xzZXI=\r\n"
            session.say(b"334 UGFzc3dvcmQ6\r\n")
            assert session.line.recv(100) == b"c2VjcmV0\r\n"
        else:
            assert session.argument == "PLAIN AMO8c2VyAHNlY3JldA=="
        return b"235 2.7.0 welcome\r\n"

    relay = {"username": "üser", "password": "secret"}
    with ScriptedSmtp(offers=(f"AUTH {method} CRAM-MD5",), reactions={"AUTH": prompt}) as server:
        run(envelopes(1), relay_at(server.port, **relay))
    assert run.kinds() == [ACCEPTED]


@pytest.mark.parametrize(
    ("offers", "answer", "error"),
    [
        (("AUTH PLAIN",), b"535 5.7.8 wrong\r\n", RelayRefused),
        (("AUTH LOGIN",), b"535 5.7.8 wrong\r\n", RelayRefused),
        ((), b"", RelayRefused),
        (("AUTH PLAIN",), b"454 4.7.0 later\r\n", RelayUnavailable),
    ],
)
def test_refused_credentials_are_told_apart(
    run: Run, offers: tuple[str, ...], answer: bytes, error: type[RelayUnavailable]
) -> None:
    with (
        ScriptedSmtp(offers=offers, reactions={"AUTH": answer}) as server,
        pytest.raises(RelayUnavailable) as raised,
    ):
        run(envelopes(9), relay_at(server.port, username="u", password="p"), connections=3)
    assert type(raised.value) is error
    assert run.kinds() == [UNSENT]
    assert server.connections == 1


def test_a_relay_that_wants_a_login_refuses_us_and_not_the_mails(run: Run) -> None:
    reactions: dict[str, Reaction] = {"MAIL": b"530 5.7.0 Authentication required\r\n"}
    with (
        ScriptedSmtp(reactions=reactions) as server,
        pytest.raises(RelayRefused, match="Authentication required"),
    ):
        run(envelopes(50), relay_at(server.port))
    assert set(run.kinds()) == {UNSENT}


def test_a_source_that_takes_its_time_costs_no_connection(run: Run) -> None:
    both_arrived = threading.Event()

    def answer_while_the_source_blocks(session: Session) -> bytes:
        if len(session.server.received) == 2:
            both_arrived.set()
        assert both_arrived.wait(5)
        if session.rcpt_to == "r1@x.test":
            take_time(0.3)
        return b"250 ok\r\n"

    def slow() -> Iterator[Envelope]:
        yield from envelopes(2)
        take_time(1.5)

    brief = Timeouts(dot=1.0)
    with ScriptedSmtp(offers=(), reactions={"dot": answer_while_the_source_blocks}) as server:
        run(slow(), relay_at(server.port, timeouts=brief), connections=2)
    assert run.kinds() == [ACCEPTED] * 2
