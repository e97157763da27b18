"""Signing in: what is said, and what a refusal means."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.transport import OutcomeKind, RelayRefused, RelayUnavailable, TokenFile
from mailer.transport.sasl import reason_in, with_password, with_token
from mailer.transport.tokens import TokenMissing
from tests.support.scripted_smtp import ScriptedSmtp, Session
from tests.transport.conftest import Run, envelopes, relay_at

ACCEPTED, _, _, _, UNSENT = OutcomeKind
WELCOME = b"235 2.7.0 welcome\r\n"
WHY = b64encode(b'{"status":"invalid_token","scope":"mail"}')


def test_plain_is_preferred_to_login() -> None:
    plain = with_password("ada", "word", frozenset({"LOGIN", "PLAIN"}))
    login = with_password("ada", "word", frozenset({"LOGIN"}))
    assert plain is not None
    assert login is not None
    assert plain.command == b"AUTH PLAIN " + b64encode(b"\0ada\0word") + b"\r\n"
    assert (login.command, login.answers) == (b"AUTH LOGIN\r\n", (b"ada", b"word"))
    assert with_password("ada", "word", frozenset({"CRAM-MD5"})) is None


def test_a_token_is_given_as_rfc_7628_or_google_want_it() -> None:
    both = frozenset({"XOAUTH2", "OAUTHBEARER", "PLAIN"})
    bearer = with_token("a,b=c@x.test", "tok", "mx.test", 587, both)
    google = with_token("ada@x.test", "tok", "mx.test", 587, both - {"OAUTHBEARER"})
    assert bearer is not None
    assert google is not None
    said = b"n,a=a=2Cb=3Dc@x.test,\x01host=mx.test\x01port=587\x01auth=Bearer tok\x01\x01"
    assert (bearer.answers, bearer.to_refusal) == ((said,), b"\x01")
    assert google.answers == (b"user=ada@x.test\x01auth=Bearer tok\x01\x01",)
    assert google.to_refusal == b""
    assert with_token("ada", "tok", "mx.test", 587, frozenset({"PLAIN", "LOGIN"})) is None


def test_a_long_answer_waits_until_it_is_asked_for() -> None:
    long = with_token("ada", "t" * 2000, "mx.test", 587, frozenset({"XOAUTH2"}))
    assert long is not None
    assert long.command == b"AUTH XOAUTH2\r\n"


@pytest.mark.parametrize(
    ("challenge", "reason"),
    [
        (WHY, "invalid_token"),
        (b64encode(b'{"status":401}'), "401"),
        (b64encode(b'{"status":"a\\nb"}'), ""),
        (b64encode(b"[]"), ""),
        (b64encode(b"\xff"), ""),
        (b"not base64", ""),
        (b"", ""),
        (b64encode(b"[" * 40_000), ""),
    ],
)
def test_a_challenge_may_say_why(challenge: bytes, reason: str) -> None:
    assert reason_in(challenge) == reason


class Clerk:
    """A relay's side of AUTH with tokens: `good` ones pass, others get a challenge first."""

    def __init__(self, *good: str) -> None:
        self.good = good
        self.said: list[bytes] = []

    def __call__(self, session: Session) -> bytes:
        _, _, initial = session.argument.partition(" ")
        if not initial:
            session.say(b"334 \r\n")
            initial = session.line.recv(20_000).strip().decode()
        said = b64decode(initial)
        self.said.append(said)
        if any(f"auth=Bearer {token}\x01".encode() in said for token in self.good):
            return WELCOME
        session.say(b"334 " + WHY + b"\r\n")
        self.said.append(session.line.recv(100))
        return b"535 5.7.8 try again\r\n"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("good-token\n")
    return path


@pytest.mark.parametrize("method", ["OAUTHBEARER", "XOAUTH2"])
def test_a_token_opens_the_relay(run: Run, token_file: Path, method: str) -> None:
    clerk = Clerk("good-token")
    with ScriptedSmtp(offers=(f"AUTH PLAIN {method}",), reactions={"AUTH": clerk}) as server:
        relay = relay_at(server.port, username="ada@x.test", token=TokenFile(token_file))
        run(envelopes(2), relay)
    assert run.kinds() == [ACCEPTED] * 2
    assert len(clerk.said) == 1


@pytest.mark.parametrize(("method", "answer"), [("OAUTHBEARER", b"AQ==\r\n"), ("XOAUTH2", b"\r\n")])
def test_a_refused_token_is_said_with_its_reason_and_tried_again_later(
    run: Run, token_file: Path, method: str, answer: bytes
) -> None:
    clerk = Clerk("another")
    with ScriptedSmtp(offers=(f"AUTH {method}",), reactions={"AUTH": clerk}) as server:
        relay = relay_at(server.port, username="ada@x.test", token=TokenFile(token_file))
        with pytest.raises(RelayUnavailable, match=r"535 5\.7\.8 try again \(invalid_token\)") as e:
            run(envelopes(2), relay)
        assert not isinstance(e.value, RelayRefused)
        assert run.kinds() == [UNSENT]
        assert clerk.said[1] == answer
        run.outcomes.clear()
        run.pulled = 0
        token_file.write_text("another")
        run(envelopes(2), relay)
    assert run.kinds() == [ACCEPTED] * 2


def test_a_long_token_is_given_when_it_is_asked_for(run: Run, token_file: Path) -> None:
    token_file.write_text("t" * 3000)
    clerk = Clerk("t" * 3000)
    with ScriptedSmtp(offers=("AUTH XOAUTH2",), reactions={"AUTH": clerk}) as server:
        run(envelopes(1), relay_at(server.port, username="ada", token=TokenFile(token_file)))
    assert run.kinds() == [ACCEPTED]
    assert "AUTH XOAUTH2" in server.commands


def test_a_relay_that_takes_no_tokens_refuses_us(run: Run, token_file: Path) -> None:
    with ScriptedSmtp(offers=("AUTH PLAIN LOGIN",)) as server:
        relay = relay_at(server.port, username="ada", token=TokenFile(token_file))
        with pytest.raises(RelayRefused, match="takes no access token"):
            run(envelopes(1), relay)


def test_challenges_without_end_are_not_answered_without_end(run: Run, token_file: Path) -> None:
    def ask(session: Session) -> bytes:
        for _ in range(2):
            session.say(b"334 \r\n")
            session.line.recv(100)
        return b"334 \r\n"

    with ScriptedSmtp(offers=("AUTH XOAUTH2",), reactions={"AUTH": ask}) as server:
        relay = relay_at(server.port, username="ada", token=TokenFile(token_file))
        with pytest.raises(RelayUnavailable, match="answered AUTH with 334"):
            run(envelopes(1), relay)


def spoil(path: Path) -> None:
    path.write_text("two words")


def empty(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize("damage", [Path.unlink, spoil, empty])
def test_without_a_token_nothing_is_sent_and_it_says_so(
    run: Run, token_file: Path, damage: Callable[[Path], None]
) -> None:
    damage(token_file)
    with ScriptedSmtp(offers=("AUTH XOAUTH2",)) as server:
        relay = relay_at(server.port, username="ada", token=TokenFile(token_file))
        with pytest.raises(RelayUnavailable, match="there is none"):
            run(envelopes(1), relay)


def test_a_token_is_read_again_when_its_file_changed(token_file: Path) -> None:
    token = TokenFile(token_file)
    assert token() == "good-token"
    fresh = token_file.with_name("fresh")
    fresh.write_text("next-token")
    fresh.replace(token_file)
    assert token() == "next-token"
    token_file.unlink()
    with pytest.raises(TokenMissing):
        token()
    assert "next-token" not in repr(token)
