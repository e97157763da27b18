"""A relay that takes its time over a body: what was allowed when it began may be so no more at its end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mailer.transport import Journal, Outcome, OutcomeKind, deliver
from tests.transport.conftest import envelope, relay_at

BODY = b"Subject: long\r\n\r\n" + b"words and words and words\r\n" * 400_000


class DawdlingRelay:
    """Takes one mail and stops reading in its middle until `go_on` is set."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.has_begun = threading.Event()
        self.has_dot = False
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        with line, line.makefile("rb") as said:
            line.sendall(b"220 slow.test\r\n")
            for answer in (b"250 slow.test\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
                said.readline()
                line.sendall(answer)
            line.recv(8192)
            self.has_begun.set()
            self.go_on.wait(30)
            rest = b""
            try:
                while part := line.recv(1 << 20):
                    rest = (rest + part)[-5:]
                    if rest == b"\r\n.\r\n":
                        self.has_dot = True
                        line.sendall(b"250 taken\r\n")
            except OSError:
                pass
        self._listener.close()


@contextmanager
def dawdling() -> Iterator[DawdlingRelay]:
    relay = DawdlingRelay()
    yield relay
    relay.go_on.set()
    relay.thread.join(30)


@pytest.mark.requirement("C-061")
@pytest.mark.parametrize("withdrawn", [True, False])
def test_who_withdraws_while_a_body_is_read_slowly_gets_no_final_dot(
    journal: Journal, withdrawn: bool
) -> None:
    outcomes: list[Outcome] = []
    began = time.monotonic()

    with dawdling() as relay:

        def allow(_key: str) -> bool:
            return not (withdrawn and relay.has_begun.is_set())

        def poll() -> bool:
            # Longer than an allowance lasts, then the relay reads on.
            if relay.has_begun.is_set() and time.monotonic() - began > 1.0:
                relay.go_on.set()
            return True

        deliver(
            iter([envelope(1, body=BODY)]),
            relay_at(relay.port),
            connections=1,
            journal=journal,
            allow=allow,
            poll=poll,
            on_outcome=outcomes.append,
        )
        relay.thread.join(30)
    assert [outcome.kind for outcome in outcomes] == [
        OutcomeKind.UNSENT if withdrawn else OutcomeKind.ACCEPTED
    ]
    assert relay.has_dot is not withdrawn
