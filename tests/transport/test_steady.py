"""The short way of a busy connection says and does what the long way would, whatever the relay says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.transport import Outcome, OutcomeKind
from mailer.transport.letters import Letter
from mailer.transport.phases import Phase
from mailer.transport.steady import SteadyDialogue
from tests.transport.conftest import envelopes, relay_at

NOW = datetime(2026, 11, 25, tzinfo=UTC)
GOOD = {
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go ahead\r\n",
    "RSET": b"250 2.0.0 ok\r\n",
    "end": b"250 2.0.0 taken\r\n",
    "QUIT": b"221 bye\r\n",
}
ODD = [
    b"250 2.0.0 queued as 4711\r\n",
    b"250 fine\r\n",
    b"250\r\n",
    b"250-one\r\n250 two\r\n",
    b"251 2.1.5 forwarded\r\n",
    b"354 go\r\n",
    b"450 4.2.0 later\r\n",
    b"550 5.1.1 no\r\n",
    b"530 5.7.0 sign in\r\n",
    b"503 5.5.1 nested\r\n",
    b"421 4.3.2 going\r\n",
    b"250 2.0.0 ok\r\n421 4.3.2 going\r\n",
    b"250 ok\r\n250 ok\r\n",
    b"250 b\xe9\r\n",
    b"250 bell\x07\r\n",
    b"250 bare\n",
    b"250 bare\r",
    b"250 a\rb\r\n",
    b"250_ok\r\n",
    b"nonsense\r\n",
    b"",
]


class Relay:
    """What a relay makes of the octets it gets; answers as planned, then as usual."""

    def __init__(self, plan: dict[str, list[bytes | None]], *, chunking: bool) -> None:
        offers = b"250-PIPELINING\r\n250-CHUNKING\r\n" if chunking else b"250-PIPELINING\r\n"
        self.hello = b"250-mx\r\n" + offers + b"250 SIZE\r\n"
        self.plan = {step: itertools.cycle(answers) for step, answers in plan.items()}
        self.rest = b""
        self.in_body = False
        self.replies = b"220 hi\r\n"
        self.recipient = ""
        self.ended: list[str] = []  # keys of mails that were there to their very end

    @property
    def has_part_of_end(self) -> bool:
        """Whether a mail is there whose final dot has begun."""
        return self.in_body and self.rest.endswith((b"\r\n.", b"\r\n.\r"))

    def hear(self, octets: bytes) -> None:
        self.rest += octets
        while self.rest:
            if self.in_body:
                _, end, rest = self.rest.partition(b"\r\n.\r\n")
                if not end:
                    return
                self.in_body, self.rest = False, rest
                self.ended.append(self.recipient)
                self.answer("end")
                continue
            line, end, rest = self.rest.partition(b"\r\n")
            if not end:
                return
            verb = line[:4].decode()
            if verb == "BDAT":
                length = int(line.split()[1])
                if len(rest) < length:
                    return
                self.rest = rest[length:]
                self.ended.append(self.recipient)
                self.answer("end")
                continue
            self.rest = rest
            if verb == "RCPT":
                self.recipient = "d" + line.decode().partition("<r")[2].partition("@")[0]
            if verb == "EHLO":
                self.replies += self.hello
            else:
                self.in_body = self.answer(verb).startswith(b"3")

    def answer(self, step: str) -> bytes:
        planned = next(self.plan[step]) if step in self.plan else None
        octets = GOOD[step] if planned is None else planned
        self.replies += octets
        return octets


@dataclass
class Side:
    """Our side: drives one dialogue as the engine does, on the short way where that `is_short`."""

    is_short: bool
    letters: Iterator[Letter] | None
    withheld: frozenset[str]
    room: Iterator[int]  # how many octets the kernel takes at each attempt
    dialogue: SteadyDialogue = field(default_factory=lambda: SteadyDialogue(relay_at(25)))
    trace: list[object] = field(default_factory=list)
    said: bytes = b""
    relay: Relay | None = None
    turns: int = 0

    def next_letter(self) -> Letter | None:
        if self.letters is None:
            mails = envelopes(6)
            self.letters = (
                letter
                for mail in mails
                if isinstance(letter := self.dialogue.writer.write(mail), Letter)
            )
        return next(self.letters, None)

    def put_back(self, letter: Letter) -> None:
        assert self.letters is not None
        self.letters = itertools.chain([letter], self.letters)

    def hear(self, octets: bytes) -> None:
        dialogue = self.dialogue
        is_short = self.is_short and dialogue.is_steady
        outcome = dialogue.hear_flight(octets, NOW) if is_short else None
        if outcome is None:
            self.trace += dialogue.receive(octets, NOW)
        else:
            self.turns += 1
            self.trace.append(outcome)
            if self.turn():
                return
        self.advance()

    def turn(self) -> bool:
        dialogue = self.dialogue
        following = self.next_letter()
        if following is None:
            dialogue.ask_for_body()
            return False
        key = dialogue.invited_key
        self.trace.append(f"asked {key}")
        if key in self.withheld:
            self.put_back(following)
            dialogue.ask_for_body()
            self.trace += dialogue.withhold("withheld", NOW)
            return False
        octets = dialogue.turn(following)
        self.trace.append(f"noted {key}")
        taken = min(len(octets), next(self.room))
        self.say(octets[:taken])
        if taken < len(octets):
            dialogue.keep_rest(octets, taken)
            if taken:
                self.flush()
        return True

    def advance(self) -> None:
        dialogue = self.dialogue
        while dialogue.phase in (Phase.BODY, Phase.READY):
            following = self.next_letter()
            if dialogue.phase is Phase.READY:
                if following is None:
                    dialogue.quit()
                else:
                    dialogue.begin(following)
                break
            self.trace.append(f"asked {dialogue.key_due}")
            if dialogue.key_due not in self.withheld:
                dialogue.send_body(following)
                break
            if following is not None:
                self.put_back(following)
            self.trace += dialogue.withhold("withheld", NOW)
        self.flush()

    def flush(self) -> None:
        dialogue = self.dialogue
        while octets := bytes(dialogue.outgoing(1 << 17)):
            key = dialogue.key_at_stake(len(octets))
            if key is not None and f"noted {key}" not in self.trace:
                self.trace.append(f"noted {key}")
            if not (taken := min(len(octets), next(self.room))):
                return
            self.say(octets[:taken])
            dialogue.wrote(taken)
        dialogue.look_whether_steady()

    def say(self, octets: bytes) -> None:
        self.said += octets


def play(
    plan: dict[str, list[bytes | None]],
    *,
    is_short: bool,
    chunking: bool = False,
    withheld: frozenset[str] = frozenset(),
    cuts: list[int] | None = None,
    room: list[int] | None = None,
    lost_after: int = 1000,
) -> Side:
    """A whole connection; replies arrive in pieces of the lengths `cuts`, 0 means all there is."""
    relay = Relay(plan, chunking=chunking)
    side = Side(is_short, None, withheld, itertools.cycle([*(room or []), 1 << 20]))
    lengths = itertools.cycle(cuts or [0])
    for step in range(400):
        if side.dialogue.phase is Phase.OVER:
            break
        heard = len(side.said)
        side.flush()
        relay.hear(side.said[heard:])
        if step == lost_after or not relay.replies:
            side.trace += side.dialogue.lose("went away", NOW)
            break
        length = next(lengths) or len(relay.replies)
        piece, relay.replies = relay.replies[:length], relay.replies[length:]
        said = len(side.said)
        side.hear(piece)
        relay.hear(side.said[said:])
    side.relay = relay
    side.trace.append((side.dialogue.fault, side.dialogue.answers, side.dialogue.begun))
    return side


ANSWERS = st.lists(st.one_of(st.none(), st.none(), st.sampled_from(ODD)), min_size=1, max_size=6)


@pytest.mark.requirement("E-093")
@settings(max_examples=600, deadline=None)
@given(
    plan=st.fixed_dictionaries({}, optional={step: ANSWERS for step in GOOD if step != "QUIT"}),
    chunking=st.booleans(),
    withheld=st.frozensets(st.sampled_from([f"d{n}" for n in range(6)]), max_size=2),
    cuts=st.lists(st.sampled_from([0, 0, 0, 1, 7, 17, 50, 77]), max_size=5),
    room=st.lists(st.sampled_from([0, 0, 1, 27, 28, 29, 30, 40, 41, 42, 1 << 20]), max_size=5),
    lost_after=st.integers(1, 60),
)
def test_the_short_way_is_the_long_way(
    plan: dict[str, list[bytes | None]],
    chunking: bool,
    withheld: frozenset[str],
    cuts: list[int],
    room: list[int],
    lost_after: int,
) -> None:
    sides = [
        play(
            plan,
            is_short=is_short,
            chunking=chunking,
            withheld=withheld,
            cuts=cuts,
            room=room,
            lost_after=lost_after,
        )
        for is_short in (True, False)
    ]
    assert sides[0].trace == sides[1].trace
    assert sides[0].said == sides[1].said
    check(sides[0])


def check(side: Side) -> None:
    """One outcome for each mail; what cannot have arrived is not uncertain, what has is not unsent."""
    outcomes = [one for one in side.trace if isinstance(one, Outcome)]
    kinds = {outcome.key: outcome.kind for outcome in outcomes}
    assert len(kinds) == len(outcomes)
    relay = side.relay
    assert relay is not None
    assert len(set(relay.ended)) == len(relay.ended)
    may_have = {*relay.ended, *([relay.recipient] if relay.has_part_of_end else [])}
    for key, kind in kinds.items():
        if kind in (OutcomeKind.ACCEPTED, OutcomeKind.UNCERTAIN):
            assert key in may_have
            assert f"noted {key}" in side.trace
        if key in relay.ended:
            assert kind is not OutcomeKind.UNSENT
            assert f"asked {key}" in side.trace
            assert key not in side.withheld


@pytest.mark.parametrize("chunking", [False, True], ids=["DATA", "BDAT"])
def test_a_busy_connection_goes_the_short_way(chunking: bool) -> None:
    side = play({}, is_short=True, chunking=chunking)
    kinds = [one.kind for one in side.trace if hasattr(one, "kind")]
    assert kinds == [OutcomeKind.ACCEPTED] * 6
    assert side.turns == 5  # all but the last, behind which there is nothing


def test_replies_that_differ_each_time_go_the_short_way_too() -> None:
    answers: list[bytes | None] = [b"250 2.0.0 queued as %d\r\n" % number for number in range(6)]
    side = play({"end": answers}, is_short=True)
    texts = [one.text for one in side.trace if hasattr(one, "text")]
    assert texts == [f"2.0.0 queued as {number}" for number in range(6)]
    assert side.turns == 5
