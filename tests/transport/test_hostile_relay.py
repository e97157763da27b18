"""Relays that lie, stall, flood and vanish, one trick at a time; whatever they do, outcomes are true."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.transport import (
    Envelope,
    OutcomeKind,
    RelayRefused,
    RelayUnavailable,
    TokenFile,
)
from tests.support.certificates import Certificate
from tests.support.scripted_smtp import (
    DEFAULTS,
    Hangup,
    Reaction,
    ScriptedSmtp,
    Session,
    hang_up,
)
from tests.transport.conftest import QUICK, Run, envelope, envelopes, relay_at

ACCEPTED, DEFERRED, REFUSED, UNCERTAIN, UNSENT = OutcomeKind
WAYS = {"DATA": ("PIPELINING",), "BDAT": ("PIPELINING", "CHUNKING"), "lockstep": ()}
EVERY_WAY = pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
LEAST_RST = struct.pack("ii", 1, 0)  # SO_LINGER without waiting: closing sends RST


def reset(session: Session) -> bytes:
    """Drop the line by RST, so that even what is on its way to us is lost."""
    session.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LEAST_RST)
    raise Hangup


def nth(turn: int, reaction: Reaction, usual: bytes) -> Reaction:
    """`reaction` the given time, `usual` otherwise."""
    turns = itertools.count()

    def react(session: Session) -> bytes:
        if next(turns) != turn:
            return usual
        return reaction if isinstance(reaction, bytes) else reaction(session)

    return react


def true_to(server: ScriptedSmtp, run: Run) -> None:
    """No double; what was answered well is accepted, and what is unsent did not arrive."""
    received = [one.rcpt_to for one in server.received]
    assert len(received) == len(set(received))
    for key, outcome in run.by_key.items():
        recipient = f"r{key[1:]}@x.test"
        assert (outcome.kind is ACCEPTED) is (recipient in server.accepted)
        assert outcome.kind is not UNSENT or recipient not in received
        assert outcome.kind is not UNCERTAIN or recipient in received


def close_with_421(session: Session) -> bytes:
    session.say(b"421 4.3.2 going\r\n")
    return hang_up(session)


@EVERY_WAY
@pytest.mark.requirement("E-093")
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "dot", "RSET"])
@pytest.mark.parametrize("turn", [0, 1])
def test_421_may_come_in_the_place_of_any_answer(
    run: Run, offers: tuple[str, ...], step: str, turn: int
) -> None:
    refused = {"RCPT": nth(0, b"550 5.1.1 no\r\n", DEFAULTS["RCPT"])} if step == "RSET" else {}
    reactions = {**refused, step: nth(turn, close_with_421, DEFAULTS[step])}
    with ScriptedSmtp(offers=offers, reactions=reactions) as server:
        run(envelopes(5), relay_at(server.port), connections=1)
        server.settle()
    true_to(server, run)
    closed = [one for one in run.outcomes if one.code == 421]
    if step == "dot":
        assert closed[0].kind is DEFERRED
    assert all(one.kind is UNSENT for one in closed[step == "dot" :])
    assert run.kinds()[-1] is ACCEPTED


@EVERY_WAY
@pytest.mark.requirement("E-093")
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "dot", "QUIT"])
@pytest.mark.parametrize("vanish", [reset, hang_up], ids=["RST", "FIN"])
def test_a_line_may_break_in_the_place_of_any_answer(
    run: Run, offers: tuple[str, ...], step: str, vanish: Callable[[Session], bytes]
) -> None:
    reactions = {step: nth(1 if step != "QUIT" else 0, vanish, DEFAULTS[step])}
    with ScriptedSmtp(offers=offers, reactions=reactions) as server:
        run(envelopes(5), relay_at(server.port), connections=1)
        server.settle()
    true_to(server, run)
    assert run.kinds()[0] is ACCEPTED
    assert (UNCERTAIN in run.kinds()) is (step == "dot")
    if step == "QUIT":
        assert run.kinds() == [ACCEPTED] * 5


class BreakingRelay:
    """Says yes to everything, and sends RST once it has read `breaks_after` octets of a body."""

    def __init__(self, breaks_after: int, *, chunking: bool) -> None:
        self.has_end = False
        self._breaks_after, self._chunking = breaks_after, chunking
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        self._listener.close()
        with line, line.makefile("rb", buffering=0) as said:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LEAST_RST)
            line.sendall(b"220 hi\r\n")
            invites = b"RCPT" if self._chunking else b"DATA"
            extra = b"250-CHUNKING\r\n" if self._chunking else b""
            answers = {
                b"EHLO": b"250-hi\r\n" + extra + b"250 PIPELINING\r\n",
                b"DATA": b"354 go\r\n",
            }
            while word := said.readline()[:4]:
                line.sendall(answers.get(word, b"250 ok\r\n"))
                if word == invites:
                    break
            if self._chunking:
                said.readline()  # BDAT
            body = b""
            while len(body) < self._breaks_after:
                body += line.recv(self._breaks_after - len(body))
            self.has_end = body.endswith(b"A line.\r\n" if self._chunking else b"\r\n.\r\n")


@pytest.mark.requirement("E-093")
@pytest.mark.parametrize("chunking", [False, True], ids=["DATA", "BDAT"])
def test_a_line_reset_at_any_octet_of_a_body_hides_no_mail(run: Run, chunking: bool) -> None:
    mail = envelope(0)
    length = len(mail.body) + (0 if chunking else 3)
    for octets in range(1, length + 1):
        run.outcomes.clear()
        run.pulled = 0
        relay = BreakingRelay(octets, chunking=chunking)
        run(iter([mail]), relay_at(relay.port), connections=1)
        relay.thread.join(10)
        (kind,) = run.kinds()
        assert relay.has_end is (octets == length)
        # The whole mail is in our kernel's hands by then, so nobody can say that it was not sent.
        assert kind is UNCERTAIN


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "dot"])
def test_an_endless_answer_is_cut_off_soon(run: Run, step: str) -> None:
    sent = [0]

    def flood(session: Session) -> bytes:
        try:
            while sent[0] < 100_000_000:
                session.say(b"250-" + b"and more " * 100 + b"\r\n")
                sent[0] += 906
        except OSError:
            pass
        raise Hangup

    with ScriptedSmtp(reactions={step: flood}) as server:
        with contextlib.suppress(RelayUnavailable):
            run(envelopes(1), relay_at(server.port))
        server.settle()
    assert run.kinds() == [UNCERTAIN if step == "dot" else UNSENT]
    assert 64_000 < sent[0] < 20_000_000  # no more than buffers hold


@EVERY_WAY
@pytest.mark.parametrize("split", [True, False])
def test_odd_but_whole_answers_are_understood(
    run: Run, offers: tuple[str, ...], split: bool
) -> None:
    odd = {
        "greeting": b"220-" + "grüß".encode("latin-1") + b"\r\n220 \xff\xfe\r\n",
        "MAIL": b"250-2.1.0 " + b"x" * 2_000 + b"\r\n250 2.1.0 \x00\x07\r\n",
        "RCPT": b"251\r\n",
        "dot": b"250-2.0.0 " + b"\xf0\x9f\x93\xac" * 300 + b"\r\n250 2.0.0 \x1b[2J\r\n",
    }
    with ScriptedSmtp(offers=offers, split=split, reactions=dict(odd)) as server:
        outcomes = run(envelopes(3), relay_at(server.port))
    assert run.kinds() == [ACCEPTED] * 3
    assert all(one.text.isprintable() for one in outcomes.values())


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_relay_that_takes_the_call_and_says_nothing_is_left(
    run: Run, certificate: Certificate, security: str
) -> None:
    brief = replace(QUICK, greeting=0.2, tls=0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = relay_at(
            listener.getsockname()[1],
            security=security,
            ca_file=str(certificate.path),
            timeouts=brief,
        )
        with pytest.raises(RelayUnavailable, match=r"gave no answer for 0\.2 seconds"):
            run(envelopes(3), relay, connections=3)
    assert run.kinds() == [UNSENT]


@pytest.mark.requirement("E-094")
def test_a_relay_that_does_not_read_on_is_left_after_the_patience_for_a_block(run: Run) -> None:
    body = (b"x" * 998 + b"\r\n") * 12_000

    def stop_reading(session: Session) -> bytes:
        session.say(b"354 go\r\n")
        left.wait(20)
        raise Hangup

    left = threading.Event()
    with ScriptedSmtp(offers=(), reactions={"DATA": stop_reading}) as server:
        outcomes = run(
            iter([envelope(0, body=body)]),
            relay_at(server.port, timeouts=replace(QUICK, block=0.3)),
        )
        left.set()
    assert outcomes["d0"].kind is UNSENT
    assert outcomes["d0"].text == "The relay gave no answer for 0.3 seconds (block)."


def test_a_relay_that_reads_one_octet_at_a_time_keeps_no_other_from_its_mail(run: Run) -> None:
    body = (b"x" * 998 + b"\r\n") * 12_000
    stopping = threading.Event()

    def crawl(session: Session) -> bytes:
        if session.rcpt_to != "r0@x.test":
            return b"354 go\r\n"
        session.say(b"354 go\r\n")
        while not stopping.wait(0.1):
            session.line.recv(1)
        raise Hangup

    mails: Iterator[Envelope] = itertools.chain(
        [envelope(0, body=body)], (envelope(n) for n in range(1, 40))
    )

    def poll() -> bool:
        if len(run.outcomes) == 38:
            stopping.set()
        return not stopping.is_set()

    with ScriptedSmtp(offers=("PIPELINING",), reactions={"DATA": crawl}) as server:
        run(mails, relay_at(server.port), connections=2, poll=poll)
    # One mail is announced behind the one that crawls, and comes back with it.
    assert run.kinds().count(ACCEPTED) == 38
    assert run.by_key["d0"].kind is UNSENT


def test_credentials_refused_on_a_further_connection_stop_no_mail(run: Run) -> None:
    def first_only(session: Session) -> bytes:
        return DEFAULTS["AUTH"] if session.number == 1 else b"535 5.7.8 too many of you\r\n"

    with ScriptedSmtp(
        offers=("PIPELINING", "AUTH PLAIN"), reactions={"AUTH": first_only}
    ) as server:
        run(envelopes(60), relay_at(server.port, username="u", password="p"), connections=4)
    assert run.kinds() == [ACCEPTED] * 60


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_credentials_forgotten_after_they_were_taken_refuse_us_and_not_the_mail(
    run: Run, step: str
) -> None:
    gone: Reaction = b"530 5.7.0 Authentication required\r\n"
    with ScriptedSmtp(
        offers=("PIPELINING", "AUTH PLAIN"),
        reactions={step: gone},
    ) as server:
        relay = relay_at(server.port, username="u", password="p")
        with pytest.raises(RelayRefused, match="Authentication required"):
            run(envelopes(5), relay)
        server.settle()
    assert set(run.kinds()) == {UNSENT}
    assert server.received == []


def test_a_token_that_runs_out_between_connections_is_read_anew(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")

    def clerk(session: Session) -> bytes:
        said = session.argument.partition(" ")[2]
        wanted = "first" if session.number == 1 else "second"
        is_good = said == bearer(wanted)
        if not is_good:
            path.write_text("second")  # its keeper has noticed
            session.say(b"334 e30=\r\n")
            session.line.recv(100)
        return DEFAULTS["AUTH"] if is_good else b"535 5.7.8 no\r\n"

    with ScriptedSmtp(offers=("PIPELINING", "AUTH XOAUTH2"), reactions={"AUTH": clerk}) as server:
        relay = relay_at(server.port, username="ada", token=TokenFile(path), mails_per_connection=3)
        run(envelopes(9), relay)
    assert run.kinds() == [ACCEPTED] * 9
    assert server.connections == 4


def bearer(token: str) -> str:
    return b64encode(f"user=ada\x01auth=Bearer {token}\x01\x01".encode()).decode()


@EVERY_WAY
def test_a_mail_larger_than_the_relay_takes_never_travels(
    run: Run, offers: tuple[str, ...]
) -> None:
    mails = iter([envelope(0), envelope(1, body=b"x" * 500 + b"\r\n"), envelope(2)])
    with ScriptedSmtp(offers=(*offers, "SIZE 400")) as server:
        outcomes = run(mails, relay_at(server.port))
    assert run.kinds() == [ACCEPTED, REFUSED, ACCEPTED]
    assert (outcomes["d1"].code, outcomes["d1"].stage) == (552, "local")


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("way", ["DATA", "BDAT"])
@pytest.mark.parametrize(
    ("answer", "kind"), [(b"554 5.6.0 no\r\n", REFUSED), (b"452 4.3.1 full\r\n", DEFERRED)]
)
def test_a_refused_mail_under_tls_touches_no_other(
    run: Run, certificate: Certificate, security: str, way: str, answer: bytes, kind: OutcomeKind
) -> None:
    with ScriptedSmtp(
        offers=(*WAYS[way], "STARTTLS"),
        tls=certificate.context,
        implicit_tls=security == "tls",
        reactions={"dot": nth(1, answer, DEFAULTS["dot"])},
    ) as server:
        run(
            envelopes(4),
            relay_at(server.port, security=security, ca_file=str(certificate.path)),
        )
    assert run.kinds() == [ACCEPTED, kind, ACCEPTED, ACCEPTED]
    assert server.connections == 1


class TwoServers:
    """Two servers at one port of two addresses that share a name; the second is a good relay."""

    def __init__(self, port: int) -> None:
        self.first = socket.create_server(("127.0.0.2", port), backlog=8)
        self.calls = 0
        self._port = port

    def addresses(self, *_: object, **__: object) -> list[object]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, self._port))
            for host in ("127.0.0.2", "127.0.0.1")
        ]

    def greet_badly(self, greeting: bytes) -> None:
        while True:
            try:
                line, _ = self.first.accept()
            except OSError:
                return
            self.calls += 1
            with line:
                line.sendall(greeting)


@pytest.mark.parametrize(
    "greeting", [None, b"", b"421 4.3.2 busy\r\n", b"554 no\r\n", b"HTTP/1.1 400 what\r\n"]
)
def test_a_second_server_behind_the_name_takes_over(
    run: Run, monkeypatch: pytest.MonkeyPatch, greeting: bytes | None
) -> None:
    with ScriptedSmtp() as server:
        two = TwoServers(server.port)
        thread = threading.Thread(target=two.greet_badly, args=(greeting or b"",))
        if greeting is None:
            two.first.close()  # nobody there: the connection is refused
        thread.start()
        monkeypatch.setattr("socket.getaddrinfo", two.addresses)
        run(envelopes(30), relay_at(server.port, host="mx.test"), connections=3)
        with contextlib.suppress(OSError):
            two.first.shutdown(socket.SHUT_RDWR)
        two.first.close()
        thread.join(10)
    assert run.kinds() == [ACCEPTED] * 30
    assert two.calls == (0 if greeting is None else 1)  # the others begin with the one that works


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_we_take_leave_of_tls_too(run: Run, certificate: Certificate, security: str) -> None:
    farewells: list[bytes] = []

    def listen_on(session: Session) -> bytes:
        session.say(DEFAULTS["QUIT"])
        assert isinstance(session.line, ssl.SSLSocket)
        session.line.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # typeshed has it not
        # Raises SSLEOFError if the connection just ends.
        farewells.append(session.line.recv(1))
        raise Hangup

    with ScriptedSmtp(
        offers=("PIPELINING", "STARTTLS"),
        tls=certificate.context,
        implicit_tls=security == "tls",
        reactions={"QUIT": listen_on},
    ) as server:
        run(envelopes(2), relay_at(server.port, security=security, ca_file=str(certificate.path)))
        server.settle()
    assert run.kinds() == [ACCEPTED] * 2
    assert farewells == [b""]
