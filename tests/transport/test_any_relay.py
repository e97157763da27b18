"""Whatever a relay does: one outcome for each mail, never a double, nothing lost from sight."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.transport import Journal, Outcome, OutcomeKind, RelayUnavailable, abandoned
from tests.support.certificates import Certificate
from tests.support.scripted_smtp import Reaction, ScriptedSmtp, Session, hang_up, keep_silent
from tests.transport.conftest import BODY, QUICK, Run, envelopes, relay_at

ACCEPTED, DEFERRED, REFUSED, UNCERTAIN, UNSENT = OutcomeKind
IMPATIENT = replace(QUICK, mail=0.05, rcpt=0.05, data=0.05, dot=0.05, command=0.05, greeting=0.05)
USUAL = {"greeting": b"220 hi\r\n", "DATA": b"354 go\r\n", "EHLO": b""}


def close_with(octets: bytes) -> Callable[[Session], bytes]:
    def react(session: Session) -> bytes:
        session.say(octets)
        return hang_up(session)

    return react


WHIMS: dict[str, Reaction | None] = {
    "usual": None,
    "4xx": b"450 4.2.0 later\r\n",
    "5xx": b"550 5.1.1 no\r\n",
    "421": close_with(b"421 4.3.2 going\r\n"),
    "421 alone": b"421 4.3.2 going\r\n",
    "gone": hang_up,
    "half": close_with(b"25"),
    "silent": keep_silent,
    "354": b"354 go\r\n",
    "2xx": b"250 2.0.0 fine\r\n",
    "many lines": b"250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three\r\n",
    "too much": b"250 2.0.0 fine\r\n250 2.0.0 more\r\n",
    "then 421": close_with(b"250 2.0.0 fine\r\n421 4.3.2 going\r\n"),
    "bare LF": b"250 fine\n",
    "no code": b"what?\r\n",
    "codes differ": b"250-one\r\n550 two\r\n",
}
# What a mail has become when its end was answered so; everything else is no answer.
ENDS = {
    **dict.fromkeys(("usual", "2xx", "many lines", "too much", "then 421"), ACCEPTED),
    **dict.fromkeys(("4xx", "421", "421 alone"), DEFERRED),
    "5xx": REFUSED,
}
STEPS = ("greeting", "MAIL", "RCPT", "DATA", "dot", "RSET", "QUIT")
GOOD_OR_NOT = st.one_of(st.just("usual"), st.just("usual"), st.sampled_from(sorted(WHIMS)))
PLANS = st.fixed_dictionaries(
    {step: st.lists(GOOD_OR_NOT, min_size=1, max_size=6) for step in STEPS}
)


class Whims:
    """Plays a plan: the n-th time a step comes up, its n-th whim, then from the start."""

    def __init__(self, plan: dict[str, list[str]]) -> None:
        self.lock = threading.Lock()
        self.turns = {step: itertools.cycle(whims) for step, whims in plan.items()}
        self.ends: dict[str, OutcomeKind] = {}  # of each mail that arrived whole
        self.asked_for: list[str] = []

    def reactions(self) -> dict[str, Reaction]:
        return {step: self.reaction(step) for step in STEPS}

    def reaction(self, step: str) -> Reaction:
        def react(session: Session) -> bytes:
            with self.lock:
                name = next(self.turns[step])
            whim = WHIMS[name]
            usual = USUAL.get(step, b"250 2.0.0 fine\r\n")
            if step == "DATA" and name == "usual" and not session.has_recipient:
                usual = b"554 5.5.1 no recipients\r\n"
            if step == "dot":
                self.ends[session.rcpt_to] = ENDS.get(name, UNCERTAIN)
            answer = usual if whim is None else whim
            octets = answer if isinstance(answer, bytes) else answer(session)
            invites = b"2" if "CHUNKING" in session.server.offers and step == "RCPT" else b"3"
            if step in ("RCPT", "DATA") and octets.startswith(invites):
                self.asked_for.append(session.rcpt_to)
            return octets

        return react


@pytest.mark.requirement("E-093")
@settings(max_examples=120, deadline=None)
@given(
    plan=PLANS,
    offers=st.sampled_from([("PIPELINING",), (), ("PIPELINING", "CHUNKING"), ("CHUNKING",)]),
    manner=st.tuples(
        st.sampled_from(["none", "none", "starttls", "tls"]),
        st.sampled_from(["", "split", "glue"]),
    ),
    counts=st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(0, 3)),
    withheld=st.sets(st.integers(0, 6), max_size=2),
    polls=st.one_of(st.none(), st.integers(0, 3)),
)
def test_every_mail_has_one_outcome_and_it_is_true(
    certificate: Certificate,
    plan: dict[str, list[str]],
    offers: tuple[str, ...],
    manner: tuple[str, str],
    counts: tuple[int, int, int],
    withheld: set[int],
    polls: int | None,
) -> None:
    security, way = manner
    mails, connections, most = counts
    if "CHUNKING" in offers:
        plan = {step: list(in_step(step, whims)) for step, whims in plan.items()}
    whims = Whims(plan)
    asked = itertools.count()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        run = Run(Journal.open(directory, "w"))
        with ScriptedSmtp(
            offers=(*offers, "STARTTLS"),
            split=way == "split",
            glue=way == "glue",
            reactions=whims.reactions(),
            tls=certificate.context,
            implicit_tls=security == "tls",
        ) as server:
            relay = relay_at(
                server.port,
                timeouts=IMPATIENT,
                mails_per_connection=most,
                security=security,
                ca_file=str(certificate.path),
            )
            with contextlib.suppress(RelayUnavailable):
                run(
                    envelopes(mails),
                    relay,
                    connections=connections,
                    allow=lambda key: int(key[1:]) not in withheld,
                    poll=lambda: polls is None or next(asked) < polls,
                )
            server.settle()
        run.journal.close()
        found = list(abandoned(directory))
        for one in found:
            one.remove()
    noted = found[0].answered if found else {}
    assert all(not one.at_risk for one in found)
    check(run, server, whims, withheld, noted)


def in_step(step: str, whims: list[str]) -> Iterator[str]:
    """Without answers too many: with chunks nobody could tell one of them from that to the chunk."""
    for whim in whims:
        yield "usual" if whim == "too much" and step != "QUIT" else whim


def check(
    run: Run, server: ScriptedSmtp, whims: Whims, withheld: set[int], noted: dict[str, Outcome]
) -> None:
    """Hold what we say became of each mail beside what the relay saw of it and said to it."""
    outcomes = run.by_key
    received = [one.rcpt_to for one in server.received]
    assert len(received) == len(set(received)), "a mail arrived twice"
    assert not any(f"r{number}@x.test" in received for number in withheld)
    assert set(server.bodies) <= {BODY}
    for key, outcome in outcomes.items():
        recipient = f"r{key[1:]}@x.test"
        kind = outcome.kind
        if recipient in whims.ends:
            # On a slow machine patience may end before the answer comes.
            was_heard = "gave no answer" not in outcome.text
            assert kind is (whims.ends[recipient] if was_heard else UNCERTAIN)
        else:
            assert kind is not ACCEPTED
            assert kind is not UNCERTAIN or recipient in whims.asked_for
    assert {k: o for k, o in outcomes.items() if o.kind is not UNSENT} == {
        k: o for k, o in noted.items() if o.kind is not UNSENT
    }
