from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest

from mailer.transport import (
    Envelope,
    Journal,
    OutcomeKind,
    RelayUnavailable,
    Timeouts,
)
from tests.support.scripted_smtp import Reaction, ScriptedSmtp, Session, hang_up, keep_silent
from tests.support.waiting import take_time
from tests.transport.conftest import Run, envelope, envelopes, relay_at

ACCEPTED, DEFERRED, REFUSED, UNCERTAIN, UNSENT = OutcomeKind
BOTH_WAYS = pytest.mark.parametrize("offers", [("PIPELINING",), ()], ids=["pipelining", "lockstep"])


@BOTH_WAYS
@pytest.mark.requirement("E-049")
def test_every_mail_arrives_once(run: Run, offers: tuple[str, ...]) -> None:
    body = b"Subject: dots\r\n\r\n.\r\n..two\r\nthe end\r\n"
    with ScriptedSmtp(offers=offers) as server:
        outcomes = run(envelopes(20, body=body), relay_at(server.port), connections=3)
    assert run.kinds() == [ACCEPTED] * 20
    assert sorted(server.accepted) == sorted(f"r{number}@x.test" for number in range(20))
    assert set(server.bodies) == {body}
    assert server.complaints == []
    first = outcomes["d0"]
    assert (first.code, first.enhanced, first.stage, first.tls) == (250, "2.0.0", "body", False)
    assert (first.text, first.relay) == ("2.0.0 taken", f"127.0.0.1:{server.port}")
    assert first.at.tzinfo is not None


def test_pipelining_sends_a_body_together_with_the_next_invitation(run: Run) -> None:
    behind_the_dot: list[bytes] = []

    def look(session: Session) -> bytes:
        if not behind_the_dot:
            behind_the_dot.append(session.peek())
        return b"250 taken\r\n"

    with ScriptedSmtp(offers=("PIPELINING",), reactions={"dot": look}) as server:
        run(envelopes(2), relay_at(server.port))
    invitation = b"MAIL FROM:<bounce@ours.test>\r\nRCPT TO:<r1@x.test>\r\nDATA\r\n"
    assert behind_the_dot == [invitation]
    assert run.kinds() == [ACCEPTED] * 2


def go_ahead(_: Session) -> bytes:
    return b"354 go\r\n"


@pytest.mark.parametrize("way", ["split", "glue"])
def test_replies_may_be_split_or_glued(run: Run, way: str) -> None:
    with ScriptedSmtp(split=way == "split", glue=way == "glue") as server:
        run(envelopes(5), relay_at(server.port))
    assert run.kinds() == [ACCEPTED] * 5


@BOTH_WAYS
@pytest.mark.parametrize(
    ("step", "answer", "kind", "stage"),
    [
        ("RCPT", b"550 5.1.1 no such user\r\n", REFUSED, "rcpt"),
        ("RCPT", b"450 4.2.1 later\r\n", DEFERRED, "rcpt"),
        ("MAIL", b"550 5.7.1 not from you\r\n", REFUSED, "mail"),
        ("DATA", b"554 5.6.0 no\r\n", REFUSED, "data"),
        ("DATA", b"451 4.3.0 later\r\n", DEFERRED, "data"),
        ("dot", b"554 5.7.1 spam\r\n", REFUSED, "body"),
        ("dot", b"451 4.3.0 later\r\n", DEFERRED, "body"),
    ],
)
def test_one_refused_mail_does_not_touch_the_others(
    run: Run, offers: tuple[str, ...], step: str, answer: bytes, kind: OutcomeKind, stage: str
) -> None:
    turns = itertools.count()
    usual = {"RCPT": b"250 ok\r\n", "MAIL": b"250 ok\r\n", "DATA": b"354 go\r\n"}

    def second_time(_: Session) -> bytes:
        return answer if next(turns) == 1 else usual.get(step, b"250 ok\r\n")

    with ScriptedSmtp(offers=offers, reactions={step: second_time}) as server:
        outcomes = run(envelopes(4), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, kind, ACCEPTED, ACCEPTED]
    assert (outcomes["d1"].code, outcomes["d1"].stage) == (int(answer[:3]), stage)
    assert outcomes["d1"].text == answer[4:].decode().strip()
    assert server.connections == 1


def test_a_body_asked_for_a_refused_recipient_is_not_sent_empty(run: Run) -> None:
    refuse_first: Iterator[bytes] = itertools.chain(
        [b"550 5.1.1 no\r\n"], itertools.repeat(b"250 ok\r\n")
    )
    reactions: dict[str, Reaction] = {"RCPT": lambda _: next(refuse_first), "DATA": go_ahead}
    with ScriptedSmtp(reactions=reactions) as server:
        run(envelopes(2), relay_at(server.port))
        server.settle()
    assert run.kinds() == [REFUSED, ACCEPTED]
    assert server.accepted == ["r1@x.test"]
    assert server.broken_off == 1


@BOTH_WAYS
@pytest.mark.requirement("E-093")
def test_a_line_lost_after_the_dot_leaves_one_mail_uncertain(
    run: Run, journal: Journal, offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers, reactions={"dot": on_turn(1, hang_up)}) as server:
        run(envelopes(2), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, UNCERTAIN]
    assert len(server.received) == 2


@pytest.mark.requirement("E-093")
def test_a_line_lost_after_the_dot_leaves_the_next_mail_unsent(run: Run) -> None:
    with ScriptedSmtp(reactions={"dot": on_turn(1, hang_up)}) as server:
        outcomes = run(envelopes(4), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, UNCERTAIN, UNSENT, ACCEPTED]
    assert outcomes["d1"].text == "The relay closed the connection."
    assert server.connections == 2


@BOTH_WAYS
def test_a_line_lost_after_data_leaves_the_mail_unsent(run: Run, offers: tuple[str, ...]) -> None:
    with ScriptedSmtp(offers=offers, reactions={"DATA": on_turn(0, hang_up)}) as server:
        run(envelopes(3), relay_at(server.port))
    assert run.kinds() == [UNSENT, ACCEPTED, ACCEPTED]


def on_turn(turn: int, reaction: Reaction) -> Reaction:
    """`reaction` the given time, and the usual answer otherwise."""
    turns = itertools.count()

    def react(session: Session) -> bytes:
        if next(turns) != turn:
            return (
                b"354 go\r\n" if session.has_recipient and session.in_transaction else b"250 ok\r\n"
            )
        return reaction if isinstance(reaction, bytes) else reaction(session)

    return react


@pytest.mark.requirement("E-093")
def test_421_to_the_dot_defers_that_mail_and_the_relay_is_dialled_again(run: Run) -> None:
    def close(session: Session) -> bytes:
        session.say(b"421 4.3.2 shutting down\r\n")
        return hang_up(session)

    with ScriptedSmtp(reactions={"dot": on_turn(1, close)}) as server:
        outcomes = run(envelopes(5), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, DEFERRED, UNSENT, ACCEPTED, ACCEPTED]
    assert (outcomes["d1"].code, outcomes["d2"].code) == (421, 421)
    assert server.connections == 2


def test_an_answer_glued_to_421_still_counts(run: Run) -> None:
    answer = b"250 2.0.0 taken\r\n421 4.3.2 enough\r\n"
    with ScriptedSmtp(reactions={"dot": on_turn(0, answer)}) as server:
        run(envelopes(3), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, UNSENT, ACCEPTED]
    assert server.accepted == ["r0@x.test", "r2@x.test"]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"250 ok\n",
        b"250-endless\r\n" * 2000,
        b"x" * 70_000,
        b"250 ok\r\n250 and more\r\n",
        b"hello\r\n",
        b"354 what\r\n",
    ],
    ids=["bare LF", "endless", "long", "out of turn", "no code", "wrong code"],
)
@BOTH_WAYS
def test_rubbish_ends_the_connection_and_hides_nothing(
    run: Run, offers: tuple[str, ...], rubbish: bytes
) -> None:
    with ScriptedSmtp(offers=offers, reactions={"dot": on_turn(0, rubbish)}) as server:
        run(envelopes(3), relay_at(server.port))
    first = ACCEPTED if rubbish.startswith(b"250 ok\r\n") else UNCERTAIN
    assert run.kinds()[0] is first
    assert run.kinds()[-1] in (ACCEPTED, UNSENT)
    assert server.connections >= 1


def test_an_answer_sent_too_early_is_not_believed(run: Run) -> None:
    early = b"354 go\r\n250 2.0.0 taken\r\n"
    with ScriptedSmtp(reactions={"DATA": on_turn(0, early)}) as server:
        run(envelopes(2), relay_at(server.port))
        server.settle()
    assert run.kinds() == [UNSENT, ACCEPTED]
    assert server.accepted == ["r1@x.test"]


@pytest.mark.requirement("E-094")
@pytest.mark.parametrize(
    ("step", "kind"), [("MAIL", UNSENT), ("RCPT", UNSENT), ("DATA", UNSENT), ("dot", UNCERTAIN)]
)
@BOTH_WAYS
def test_a_silent_relay_is_left_when_patience_ends(
    run: Run, offers: tuple[str, ...], step: str, kind: OutcomeKind
) -> None:
    brief = Timeouts(mail=0.2, rcpt=0.2, data=0.2, dot=0.2, reconnect=0.01)
    with ScriptedSmtp(offers=offers, reactions={step: keep_silent}) as server:
        outcomes = run(envelopes(1), relay_at(server.port, timeouts=brief))
    assert run.kinds() == [kind]
    assert "gave no answer for 0.2 seconds" in outcomes["d0"].text


def test_a_relay_that_dribbles_gets_no_more_patience_than_a_silent_one(run: Run) -> None:
    def dribble(session: Session) -> bytes:
        for _ in range(200):
            session.say(b"2")
            take_time(0.02)
        return b"\r\n"

    with ScriptedSmtp(reactions={"greeting": dribble}) as server:
        began = time.monotonic()
        with pytest.raises(RelayUnavailable, match=r"gave no answer for 0\.3 seconds"):
            run(envelopes(1), relay_at(server.port, timeouts=Timeouts(greeting=0.3)))
        assert time.monotonic() - began < 2


@pytest.mark.requirement("C-061")
@BOTH_WAYS
def test_a_mail_withheld_at_the_last_moment_is_not_sent(run: Run, offers: tuple[str, ...]) -> None:
    asked: list[str] = []

    def allow(key: str) -> bool:
        asked.append(key)
        return key != "d1"

    with ScriptedSmtp(offers=offers) as server:
        outcomes = run(envelopes(4), relay_at(server.port), allow=allow)
        server.settle()
    assert run.kinds() == [ACCEPTED, UNSENT, ACCEPTED, ACCEPTED]
    assert outcomes["d1"].text == "withheld"
    assert server.accepted == ["r0@x.test", "r2@x.test", "r3@x.test"]
    assert asked == ["d0", "d1", "d2", "d3"]
    assert server.broken_off == 1


def test_a_large_mail_passes_through_small_buffers(run: Run) -> None:
    body = (b"." + b"x" * 900 + b"\r\n") * 3000
    offers = ("PIPELINING",)
    with ScriptedSmtp(offers=offers) as server:
        run(envelopes(3, body=body), relay_at(server.port), connections=2)
    assert run.kinds() == [ACCEPTED] * 3
    assert set(server.bodies) == {body}


def test_a_refusal_in_the_middle_of_a_body_is_an_answer(run: Run) -> None:
    def refuse_now(session: Session) -> bytes:
        session.say(b"354 go\r\n")
        session.line.recv(1000)
        session.say(b"552 5.3.4 too big\r\n")
        take_time(0.5)
        return hang_up(session)

    big = (b"x" * 998 + b"\r\n") * 6_000
    mails = iter([envelope(0, body=big), envelope(1)])
    with ScriptedSmtp(offers=(), reactions={"DATA": on_turn(0, refuse_now)}) as server:
        outcomes = run(mails, relay_at(server.port))
    assert (outcomes["d0"].kind, outcomes["d0"].code) == (REFUSED, 552)
    assert outcomes["d1"].kind is ACCEPTED
    assert (server.connections, server.accepted) == (2, ["r1@x.test"])


def test_a_line_lost_in_the_middle_of_a_body_leaves_the_mail_unsent(run: Run) -> None:
    def cut(session: Session) -> bytes:
        session.say(b"354 go\r\n")
        session.line.recv(1000)
        return hang_up(session)

    body = (b"x" * 998 + b"\r\n") * 6_000
    with ScriptedSmtp(offers=(), reactions={"DATA": cut}) as server:
        outcomes = run(envelopes(1, body=body), relay_at(server.port))
    assert outcomes["d0"].kind is UNSENT


def test_a_journal_that_cannot_be_written_stops_everything_before_the_dot(run: Run) -> None:
    run.journal.close()
    with ScriptedSmtp() as server:
        with pytest.raises(Exception, match="journal"):
            run(envelopes(10), relay_at(server.port), connections=2)
        server.settle()
    assert server.received == []
    assert set(run.kinds()) == {UNSENT}


def test_a_mail_this_relay_cannot_carry_is_refused_without_asking_it(run: Run) -> None:
    mails = [
        envelope(0),
        Envelope(key="d1", mail_from="a@b.test", rcpt_to="jörg@c.test", body=b"hi\r\n"),
        Envelope(key="d2", mail_from="a@b.test", rcpt_to="x@c.test\r\nDATA", body=b"hi\r\n"),
        envelope(3),
    ]
    with ScriptedSmtp() as server:
        outcomes = run(iter(mails), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, REFUSED, REFUSED, ACCEPTED]
    assert (outcomes["d1"].stage, outcomes["d1"].enhanced) == ("local", "5.6.7")
    assert not any("c.test" in command for command in server.commands)
