"""How long is waited for what: the minima of RFC 5321 §4.5.3.2, held as a rule and not by waiting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mailer.transport import Timeouts
from mailer.transport.dialogue import Dialogue
from mailer.transport.letters import Letter
from mailer.transport.phases import Awaited, Phase
from tests.transport.conftest import envelope, relay_at

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.requirement("E-094")
@pytest.mark.parametrize(
    ("awaited", "minutes"),
    [("greeting", 5), ("mail", 5), ("rcpt", 5), ("data", 2), ("block", 3), ("dot", 10)],
)
def test_patience_is_at_least_that_of_the_standard(awaited: str, minutes: int) -> None:
    assert getattr(Timeouts(), awaited) >= minutes * 60
    assert Timeouts().command >= 300  # EHLO, AUTH, RSET and others have no minimum of their own


def write(dialogue: Dialogue) -> None:
    """All of what is to be said has left."""
    while octets := dialogue.outgoing(100):
        dialogue.wrote(len(octets))


def hold(offers: bytes) -> Iterator[Awaited | None]:
    """What one connection waits for in turn: after each answer, and before and after what it says."""
    dialogue = Dialogue(relay_at(25))
    letter: Letter | None = None
    for answer in (
        b"220 hi\r\n",
        b"250-mx\r\n" + offers + b"250 HELP\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"354 go\r\n",
        b"250 taken\r\n",
        b"221 bye\r\n",
    ):
        yield dialogue.awaited
        write(dialogue)
        yield dialogue.awaited
        dialogue.receive(answer, NOW)
        if dialogue.phase is Phase.READY and letter is None:
            written = dialogue.writer.write(envelope(0))
            assert isinstance(written, Letter)
            letter = written
            dialogue.begin(letter)
        elif dialogue.phase is Phase.READY:
            dialogue.quit()
        elif dialogue.phase is Phase.BODY:
            dialogue.send_body(None)
    assert dialogue.phase is Phase.OVER


@pytest.mark.requirement("E-094")
def test_each_answer_has_its_own_patience_and_what_does_not_leave_that_of_a_block() -> None:
    steps = ["command", "mail", "rcpt", "data", "dot", "quit"]
    in_turn = [awaited for step in steps for awaited in ("block", step)]
    assert list(hold(b"")) == ["greeting", "greeting", *in_turn]


@pytest.mark.requirement("E-094")
def test_commands_that_left_together_are_waited_for_one_by_one() -> None:
    assert list(hold(b"250-PIPELINING\r\n")) == [
        *("greeting", "greeting", "block", "command", "block", "mail", "rcpt", "rcpt"),
        *("data", "data", "block", "dot", "block", "quit"),
    ]
