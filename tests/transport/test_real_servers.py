"""Against the servers that carry most of the world's mail."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.transport import OutcomeKind, RelayUnavailable, Timeouts
from tests.support import mail_servers
from tests.support.mail_servers import STRANGER, MailServer
from tests.transport.conftest import QUICK, Run, envelopes, relay_at

pytestmark = pytest.mark.skipif(not mail_servers.can_run(), reason=mail_servers.MISSING)

ACCEPTED, _, REFUSED, _, _ = OutcomeKind
COUNT = 20
REST = b".\r\n..dots\r\n" + (b"y" * 70 + b"\r\n") * 500
PATIENT: Timeouts = replace(QUICK, greeting=20, command=20, mail=20, rcpt=20, data=20, dot=20)
WANTED = {f"r{n}@x.test" for n in range(COUNT)} - {STRANGER}


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that a server under another user can enter."""
    with tempfile.TemporaryDirectory(prefix="mailer-mta-") as name:
        Path(name).chmod(0o755)  # the servers drop their rights
        yield Path(name)


@pytest.fixture
def postfix(directory: Path) -> Iterator[MailServer]:
    with mail_servers.run_postfix(directory) as server:
        yield server


@pytest.fixture
def exim(directory: Path) -> Iterator[MailServer]:
    with mail_servers.run_exim(directory) as server:
        yield server


def send(run: Run, server: MailServer, *, chunking: bool) -> None:
    body = b"Subject: hello\r\n\r\n" + REST
    relay = relay_at(server.port, chunking=chunking, timeouts=PATIENT)
    outcomes = run(envelopes(COUNT, body=body), relay, connections=4)
    assert outcomes["d3"].kind is REFUSED
    assert "no such user" in outcomes["d3"].text
    assert run.kinds().count(ACCEPTED) == COUNT - 1


@pytest.mark.requirement("E-048")
@pytest.mark.parametrize("chunking", [True, False], ids=["BDAT", "DATA"])
def test_postfix_has_every_mail_once_and_whole(
    run: Run, postfix: MailServer, chunking: bool
) -> None:
    send(run, postfix, chunking=chunking)
    held = postfix.held_by_postfix()
    assert set(held) == WANTED
    assert set(held.values()) == {REST.replace(b"\r\n", b"\n")}


@pytest.mark.requirement("E-048")
@pytest.mark.parametrize("chunking", [True, False], ids=["BDAT", "DATA"])
def test_exim_has_every_mail_once_and_whole(run: Run, exim: MailServer, chunking: bool) -> None:
    send(run, exim, chunking=chunking)
    held = exim.held_by_exim()
    assert set(held) == WANTED
    assert set(held.values()) == {REST.replace(b"\r\n", b"\n")}


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ((), OutcomeKind.ACCEPTED),
        (("-p",), OutcomeKind.ACCEPTED),  # no PIPELINING
        (("-e",), OutcomeKind.ACCEPTED),  # no EHLO
        (("-f", "."), OutcomeKind.REFUSED),
        (("-r", "."), OutcomeKind.DEFERRED),
        (("-r", "rcpt"), OutcomeKind.DEFERRED),
        (("-f", "data"), OutcomeKind.REFUSED),
        (("-q", "."), OutcomeKind.UNCERTAIN),  # hangs up after the dot
    ],
    ids=lambda value: "".join(value) if isinstance(value, tuple) else "",
)
def test_smtp_sink_is_understood_in_all_its_moods(
    run: Run, options: tuple[str, ...], kind: OutcomeKind
) -> None:
    lost_too_often = contextlib.suppress(RelayUnavailable)
    with mail_servers.run_sink(*options) as port, lost_too_often:
        run(envelopes(6), relay_at(port, timeouts=PATIENT))
    kinds = set(run.kinds())
    assert kind in kinds
    assert kinds <= {kind, OutcomeKind.UNSENT}
