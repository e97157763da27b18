"""Against a server that others wrote."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.transport import OutcomeKind
from tests.transport.conftest import Run, envelopes, relay_at


@dataclass
class Mailbox:
    contents: dict[str, bytes] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == "r3@x.test":
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        (address,) = envelope.rcpt_tos
        assert isinstance(envelope.content, bytes)
        assert address not in self.contents
        self.contents[address] = envelope.content
        return "250 2.0.0 Taken"


class _OnAnyPort(Controller):
    """aiosmtpd dials the port it was given, which must be the real one by then."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no hints here


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = _OnAnyPort(box, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True)
    controller.start()
    yield box, controller.port
    controller.stop()


def test_mails_arrive_whole_and_a_stranger_is_refused(
    run: Run, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    body = b"Subject: x\r\n\r\n.\r\n..dots\r\n" + (b"y" * 70 + b"\r\n") * 500
    outcomes = run(envelopes(20, body=body), relay_at(port), connections=3)
    assert outcomes["d3"].kind is OutcomeKind.REFUSED
    assert run.kinds().count(OutcomeKind.ACCEPTED) == 19
    assert box.contents == {f"r{n}@x.test": body for n in range(20) if n != 3}


def test_localhost_is_found_whichever_address_it_has(
    run: Run, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    addresses = {where[0] for *_, where in socket.getaddrinfo("localhost", port)}
    assert "127.0.0.1" in addresses
    run(envelopes(1), relay_at(port, host="localhost"))
    assert list(box.contents) == ["r0@x.test"]
