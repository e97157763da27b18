"""STARTTLS and TLS from the start, with a certificate made on the fly."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.transport import OutcomeKind, RelayUnavailable
from tests.support.certificates import Certificate, make_certificate
from tests.support.scripted_smtp import Reaction, ScriptedSmtp, Session, hang_up, keep_silent
from tests.transport.conftest import Run, envelopes, relay_at

ACCEPTED, _, _, UNCERTAIN, UNSENT = OutcomeKind
OFFERS = ("PIPELINING", "STARTTLS")


@pytest.mark.requirement("E-046")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mails_arrive_over_a_verified_connection(
    run: Run, certificate: Certificate, security: str
) -> None:
    implicit = security == "tls"
    body = (b"x" * 998 + b"\r\n") * 200
    with ScriptedSmtp(offers=OFFERS, tls=certificate.context, implicit_tls=implicit) as server:
        relay = relay_at(server.port, security=security, ca_file=str(certificate.path))
        outcomes = run(envelopes(8, body=body), relay, connections=2)
    assert run.kinds() == [ACCEPTED] * 8
    assert all(outcome.tls for outcome in outcomes.values())
    assert server.bodies == [body] * 8


@pytest.mark.requirement("E-048")
def test_what_was_offered_before_tls_is_forgotten(run: Run, certificate: Certificate) -> None:
    before = ("STARTTLS", "PIPELINING", "SIZE 1000", "AUTH PLAIN")
    with ScriptedSmtp(offers=before, offers_after_tls=("8BITMIME",), tls=certificate.context) as s:
        run(envelopes(2), relay_at(s.port, security="starttls", ca_file=str(certificate.path)))
    assert [command.split()[0] for command in s.commands[:3]] == ["EHLO", "STARTTLS", "EHLO"]
    assert "MAIL FROM:<bounce@ours.test>" in s.commands


@pytest.mark.requirement("E-048")
def test_what_was_offered_before_tls_is_forgotten_even_without_a_second_ehlo(
    run: Run, certificate: Certificate
) -> None:
    answers = iter([b"250-hi\r\n250-SIZE 9999\r\n250 STARTTLS\r\n", b"502 5.5.1 what\r\n"])
    reactions: dict[str, Reaction] = {"EHLO": lambda _: next(answers)}
    with ScriptedSmtp(tls=certificate.context, reactions=reactions) as server:
        run(envelopes(1), relay_at(server.port, security="starttls", ca_file=str(certificate.path)))
    assert run.kinds() == [ACCEPTED]
    assert server.commands[1:4] == ["STARTTLS", "EHLO us.test", "HELO us.test"]
    assert server.commands[4] == "MAIL FROM:<bounce@ours.test>"


@pytest.mark.requirement("E-048")
def test_chunks_are_sent_where_they_are_offered_under_tls(
    run: Run, certificate: Certificate
) -> None:
    body = (b"." * 998 + b"\r\n") * 40
    after = ("PIPELINING", "CHUNKING")
    with ScriptedSmtp(
        offers=("STARTTLS",), offers_after_tls=after, tls=certificate.context
    ) as server:
        relay = relay_at(server.port, security="starttls", ca_file=str(certificate.path))
        run(envelopes(6, body=body), relay, connections=2)
    assert run.kinds() == [ACCEPTED] * 6
    assert server.bodies == [body] * 6
    assert server.commands.count(f"BDAT {len(body)} LAST") == 6


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_cannot_be_verified_is_not_accepted(
    run: Run, certificate: Certificate, security: str
) -> None:
    implicit = security == "tls"
    with ScriptedSmtp(offers=OFFERS, tls=certificate.context, implicit_tls=implicit) as server:
        with pytest.raises(RelayUnavailable, match="self-signed certificate"):
            run(envelopes(3), relay_at(server.port, security=security))
        server.settle()
    assert run.kinds() == [UNSENT]
    assert not any(command.startswith("MAIL") for command in server.commands)


def test_a_certificate_that_has_run_out_is_not_accepted(run: Run, tmp_path: Path) -> None:
    expired = make_certificate(tmp_path, days=-1)
    with ScriptedSmtp(offers=OFFERS, tls=expired.context) as server:
        relay = relay_at(server.port, security="starttls", ca_file=str(expired.path))
        with pytest.raises(RelayUnavailable, match="certificate has expired"):
            run(envelopes(3), relay)
    assert run.kinds() == [UNSENT]
    assert server.commands == ["EHLO us.test", "STARTTLS"]


def test_a_certificate_for_another_name_is_not_accepted(run: Run, certificate: Certificate) -> None:
    with ScriptedSmtp(offers=OFFERS, tls=certificate.context) as server:
        relay = relay_at(
            server.port, host="localhost", security="starttls", ca_file=str(certificate.path)
        )
        with pytest.raises(RelayUnavailable, match="Hostname mismatch"):
            run(envelopes(3), relay)
    assert run.kinds() == [UNSENT]


def test_a_relay_without_starttls_is_not_used_in_the_clear(run: Run) -> None:
    with ScriptedSmtp(offers=("PIPELINING", "AUTH PLAIN")) as server:
        relay = relay_at(server.port, security="starttls", username="u", password="p")
        with pytest.raises(RelayUnavailable, match="does not offer STARTTLS"):
            run(envelopes(3), relay)
    assert server.commands == ["EHLO us.test"]


@pytest.mark.parametrize(
    "answer",
    [b"220 go\r\n250 injected\r\n", b"220 go\r\n250-inj", b"454 4.7.0 not now\r\n", b"220 go\n"],
)
def test_what_comes_in_the_clear_after_starttls_ends_the_connection(
    run: Run, certificate: Certificate, answer: bytes
) -> None:
    with ScriptedSmtp(offers=OFFERS, reactions={"STARTTLS": answer}) as server:
        relay = relay_at(server.port, security="starttls", ca_file=str(certificate.path))
        with pytest.raises(RelayUnavailable):
            run(envelopes(3), relay)
    assert run.kinds() == [UNSENT]
    assert server.commands == ["EHLO us.test", "STARTTLS"]


@pytest.mark.parametrize("reaction", [keep_silent, hang_up], ids=["silent", "gone"])
def test_a_handshake_that_does_not_end_is_left(
    run: Run, certificate: Certificate, reaction: object
) -> None:
    def start(session: Session) -> bytes:
        session.say(b"220 go\r\n")
        assert callable(reaction)
        reaction(session)
        return b""

    with ScriptedSmtp(offers=OFFERS, reactions={"STARTTLS": start}) as server:
        relay = relay_at(server.port, security="starttls", ca_file=str(certificate.path))
        with pytest.raises(RelayUnavailable):
            run(envelopes(3), relay)
    assert run.kinds() == [UNSENT]


def test_a_line_lost_under_tls_leaves_one_mail_uncertain(
    run: Run, certificate: Certificate
) -> None:
    with ScriptedSmtp(offers=OFFERS, tls=certificate.context, reactions={"dot": hang_up}) as server:
        relay = relay_at(server.port, security="starttls", ca_file=str(certificate.path))
        run(envelopes(1), relay)
    assert run.kinds() == [UNCERTAIN]


def test_a_missing_authority_file_is_said(run: Run) -> None:
    with ScriptedSmtp(offers=OFFERS) as server:
        relay = relay_at(server.port, security="starttls", ca_file="/nowhere/ca.pem")
        with pytest.raises(RelayUnavailable, match="No such file"):
            run(envelopes(1), relay)
    assert run.kinds() == [UNSENT]
