from __future__ import annotations

import threading

import pytest

from mailer.transport import Carrier, Journal, Outcome, OutcomeKind, SmtpCarrier
from tests.support.scripted_smtp import ScriptedSmtp, Session
from tests.transport.conftest import Run, envelopes, relay_at

ACCEPTED = OutcomeKind.ACCEPTED


def test_smtp_is_one_way_to_hand_mails_over(journal: Journal) -> None:
    outcomes: list[Outcome] = []
    with ScriptedSmtp() as server:
        carrier: Carrier = SmtpCarrier(relay_at(server.port), connections=2)
        carrier.deliver(
            envelopes(5),
            journal=journal,
            allow=lambda _: True,
            poll=lambda: True,
            on_outcome=outcomes.append,
        )
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED] * 5
    assert {outcome.relay for outcome in outcomes} == {carrier.name}


@pytest.mark.parametrize("offers", [("PIPELINING",), (), ("PIPELINING", "CHUNKING")])
def test_a_connection_is_given_up_after_its_number_of_mails(
    run: Run, offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers) as server:
        run(envelopes(10), relay_at(server.port, mails_per_connection=3))
        server.settle()
    assert run.kinds() == [ACCEPTED] * 10
    assert server.connections == 4
    assert server.commands.count("QUIT") == 4
    assert server.complaints == []


def test_no_more_connections_are_open_at_a_time_than_allowed(run: Run) -> None:
    lock = threading.Lock()
    live: set[int] = set()
    most = [0]

    def come(session: Session) -> bytes:
        with lock:
            live.add(session.number)
            most[0] = max(most[0], len(live))
        return b"220 hi\r\n"

    def go(session: Session) -> bytes:
        with lock:
            live.discard(session.number)
        return b"221 bye\r\n"

    with ScriptedSmtp(reactions={"greeting": come, "QUIT": go}) as server:
        run(envelopes(60), relay_at(server.port, mails_per_connection=5), connections=3)
    assert run.kinds() == [ACCEPTED] * 60
    assert server.connections >= 12
    assert most[0] <= 3
