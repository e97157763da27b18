"""Mails as chunks (BDAT, RFC 3030) where the relay offers that."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from mailer.transport import OutcomeKind
from tests.support.scripted_smtp import Reaction, ScriptedSmtp, Session, hang_up
from tests.transport.conftest import Run, envelope, envelopes, relay_at

ACCEPTED, DEFERRED, REFUSED, UNCERTAIN, UNSENT = OutcomeKind
OFFERS = ("PIPELINING", "CHUNKING", "SIZE 1000000")
BOTH_WAYS = pytest.mark.parametrize(
    "offers", [OFFERS, ("CHUNKING",)], ids=["pipelining", "lockstep"]
)


@BOTH_WAYS
@pytest.mark.requirement("E-048")
def test_a_mail_is_one_chunk_with_its_dots_as_they_are(run: Run, offers: tuple[str, ...]) -> None:
    body = b"Subject: dots\r\n\r\n.\r\n..two\r\nthe end\r\n"
    with ScriptedSmtp(offers=offers) as server:
        run(envelopes(20, body=body), relay_at(server.port), connections=3)
    assert run.kinds() == [ACCEPTED] * 20
    assert server.bodies == [body] * 20
    assert f"BDAT {len(body)} LAST" in server.commands
    assert "DATA" not in server.commands
    assert server.complaints == []


def test_a_relay_may_be_spared_chunks(run: Run) -> None:
    with ScriptedSmtp(offers=OFFERS) as server:
        run(envelopes(2), relay_at(server.port, chunking=False))
    assert run.kinds() == [ACCEPTED] * 2
    assert "DATA" in server.commands


def test_the_next_mail_is_announced_behind_the_chunk(run: Run) -> None:
    behind: list[bytes] = []

    def look(session: Session) -> bytes:
        behind.append(session.peek())
        return b"250 taken\r\n"

    with ScriptedSmtp(offers=("PIPELINING", "CHUNKING"), reactions={"dot": look}) as server:
        run(envelopes(3), relay_at(server.port))
    assert behind[:2] == [
        b"MAIL FROM:<bounce@ours.test>\r\nRCPT TO:<r%d@x.test>\r\n" % number for number in (1, 2)
    ]


@pytest.mark.requirement("C-061")
@BOTH_WAYS
def test_a_mail_is_withheld_without_giving_up_the_connection(
    run: Run, offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers) as server:
        run(envelopes(5), relay_at(server.port), allow=lambda key: key not in ("d1", "d4"))
        server.settle()
    assert run.kinds() == [ACCEPTED, UNSENT, ACCEPTED, ACCEPTED, UNSENT]
    assert server.accepted == ["r0@x.test", "r2@x.test", "r3@x.test"]
    assert (server.connections, server.complaints) == (1, [])
    assert "RSET" in server.commands


@BOTH_WAYS
@pytest.mark.parametrize(
    ("step", "answer", "kind"),
    [
        ("MAIL", b"550 5.7.1 not from you\r\n", REFUSED),
        ("RCPT", b"550 5.1.1 no such user\r\n", REFUSED),
        ("RCPT", b"450 4.2.1 later\r\n", DEFERRED),
        ("dot", b"554 5.7.1 spam\r\n", REFUSED),
        ("dot", b"451 4.3.0 later\r\n", DEFERRED),
    ],
)
def test_one_refused_mail_does_not_touch_the_others(
    run: Run, offers: tuple[str, ...], step: str, answer: bytes, kind: OutcomeKind
) -> None:
    turns = itertools.count()
    reactions: dict[str, Reaction] = {step: lambda _: answer if next(turns) == 1 else b"250 ok\r\n"}
    with ScriptedSmtp(offers=offers, reactions=reactions) as server:
        run(envelopes(4), relay_at(server.port))
    assert run.kinds() == [ACCEPTED, kind, ACCEPTED, ACCEPTED]
    assert server.accepted == ["r0@x.test", "r2@x.test", "r3@x.test"]
    assert server.connections == 1


def test_a_relay_that_holds_on_to_a_refused_chunk_refuses_no_other_mail(run: Run) -> None:
    """RFC 3030 lets a relay want RSET after a refused BDAT; the next mail is none the worse."""
    refused = itertools.count()
    held: list[bool] = []

    def refuse_one(_: Session) -> bytes:
        if next(refused) == 0:
            held.append(True)
            return b"554 5.6.0 no\r\n"
        return b"250 ok\r\n"

    def nested(_: Session) -> bytes:
        return b"503 5.5.1 nested MAIL\r\n" if held and held.pop() else b"250 ok\r\n"

    with ScriptedSmtp(offers=OFFERS, reactions={"dot": refuse_one, "MAIL": nested}) as server:
        run(envelopes(4), relay_at(server.port))
    assert run.kinds() == [REFUSED, UNSENT, ACCEPTED, ACCEPTED]


@BOTH_WAYS
@pytest.mark.requirement("E-093")
def test_a_line_lost_after_the_chunk_leaves_that_mail_uncertain(
    run: Run, offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers, reactions={"dot": hang_up}) as server:
        run(envelopes(1), relay_at(server.port))
    assert run.kinds() == [UNCERTAIN]
    assert len(server.received) == 1


def leave_at_once(session: Session) -> bytes:
    session.say(b"250 ok\r\n")
    session.line.recv(1000)
    return hang_up(session)


@pytest.mark.requirement("E-093")
def test_a_chunk_whose_last_octet_has_not_left_is_unsent(run: Run) -> None:
    body = (b"x" * 998 + b"\r\n") * 9_000
    with ScriptedSmtp(offers=("CHUNKING",), reactions={"RCPT": leave_at_once}) as server:
        run(iter([envelope(0, body=body)]), relay_at(server.port))
    assert run.kinds() == [UNSENT]
    assert server.received == []


@pytest.mark.requirement("E-093")
def test_a_chunk_is_noted_in_the_journal_before_its_end(run: Run, tmp_path: Path) -> None:
    noted: list[list[str]] = []

    def look(_: Session) -> bytes:
        lines = (tmp_path / "worker-1.journal").read_text().splitlines()
        noted.append([line[2:] for line in lines if line.startswith("S")])
        return b"250 ok\r\n"

    with ScriptedSmtp(offers=OFFERS, reactions={"dot": look}) as server:
        run(envelopes(3), relay_at(server.port))
    assert noted == [["d0"], ["d0", "d1"], ["d0", "d1", "d2"]]
