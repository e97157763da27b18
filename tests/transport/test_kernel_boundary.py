"""What the kernel has is sent; what waits in our own hands is not, under TLS as in the clear (C-061).

A relay that stops reading fills the buffers of the kernel; what is behind them waits here. Its end must
not leave once its recipient has withdrawn, and whoever is told “not sent” must not get it.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mailer.transport import Envelope, OutcomeKind
from mailer.transport.wire import RECORD, Wire
from tests.support.certificates import Certificate
from tests.support.waiting import wait_for
from tests.transport.conftest import QUICK, Run, envelope, relay_at

CONNECTIONS = 16
STEP = 12_000  # less than a record, so that one mail or more ends in the record that does not fit
OVERHEAD = 22  # octets a record is longer than what is in it (TLS 1.3)
LASTS = 0.6  # seconds; longer than an allowance
NARROW = 8192
HUGE = 6_000_000  # more than any kernel here takes


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
        listener.bind(("127.0.0.1", 0))
        listener.listen(CONNECTIONS)
        yield listener


@contextmanager
def joined(certificate: Certificate) -> Iterator[tuple[Wire, ssl.SSLSocket]]:
    """Our end of an encrypted connection with narrow buffers, and the relay's end."""
    with listening() as listener:
        wire = Wire((socket.AF_INET, listener.getsockname()))
        line, _ = listener.accept()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
    wire.finish_connecting()
    wire.start_tls(ssl.create_default_context(cafile=str(certificate.path)), "127.0.0.1")
    theirs = certificate.context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
    theirs.settimeout(10)
    shaking = threading.Thread(target=theirs.do_handshake)
    shaking.start()
    wait_for(wire.handshake)
    shaking.join(10)
    with theirs:
        yield wire, theirs
    wire.close()


def fill(wire: Wire) -> int:
    """Send records until one does not fit; the octets of those that did."""
    sent = 0
    while taken := wire.send(b"x" * RECORD):
        sent += taken
    return sent


def read_all(line: ssl.SSLSocket) -> bytes:
    """What can be decrypted of what comes until the other side closes."""
    said = b""
    try:
        while part := line.recv(1 << 16):
            said += part
    except (ssl.SSLEOFError, ConnectionResetError):
        pass
    return said


@pytest.mark.requirement("C-061")
def test_a_record_that_the_kernel_has_not_taken_whole_was_not_sent(
    certificate: Certificate,
) -> None:
    with joined(certificate) as (wire, theirs):
        sent = fill(wire)
        wire.flush()
        assert wire.receive() is None
        wire.close()
        assert len(read_all(theirs)) == sent


@pytest.mark.requirement("C-061")
def test_nothing_but_a_second_call_sends_the_record_that_waits(certificate: Certificate) -> None:
    with joined(certificate) as (wire, theirs):
        sent = fill(wire)
        assert wire.wants_write
        said = b""
        while len(said) < sent:
            said += theirs.recv(1 << 16)
        wire.flush()
        wire.receive()
        theirs.settimeout(0.2)
        with pytest.raises(TimeoutError):
            theirs.recv(1)
        theirs.settimeout(10)
        reading = threading.Thread(target=theirs.recv, args=(RECORD,))
        reading.start()
        assert wait_for(lambda: wire.send(b"x" * RECORD)) == RECORD
        reading.join(10)
        assert not wire.wants_write


@dataclass
class Stuck:
    """A relay's end of one connection: takes a mail's envelope, and its body only after `go_on`."""

    line: socket.socket
    is_chunky: bool
    certificate: Certificate
    security: str
    go_on: threading.Event
    recipient: str = ""
    is_ready: bool = False  # for the body
    has_end: bool = False

    def serve(self) -> None:
        try:
            if self.security == "tls":
                self._encrypt()
            self.line.sendall(b"220 stuck.test\r\n")
            while not self.is_ready:
                self._obey(self.line.recv(1000))
            self.go_on.wait(30)
            body = b""
            while part := self.line.recv(1 << 16):
                body += part
                if self._is_whole(body):
                    self.has_end = True
                    self.line.sendall(b"250 taken\r\n")
                    body = b""
        except OSError:
            pass
        finally:
            self.line.close()

    def _is_whole(self, body: bytes) -> bool:
        if not self.is_chunky:
            return body.endswith(b"\r\n.\r\n")
        command, _, chunk = body.partition(b"\r\n")
        return command.startswith(b"BDAT ") and len(chunk) == int(command.split()[1])

    def _obey(self, said: bytes) -> None:
        word, _, rest = said.partition(b" ")
        if word == b"STARTTLS\r\n":
            self.line.sendall(b"220 go\r\n")
            self._encrypt()
            return
        if word == b"RCPT":
            self.recipient = rest.partition(b"<")[2].partition(b"@")[0].decode()
        extra = b"250-CHUNKING\r\n" if self.is_chunky else b""
        hello = b"250-stuck.test\r\n" + extra + b"250 STARTTLS\r\n"
        self.line.sendall({b"EHLO": hello, b"DATA\r\n": b"354 go\r\n"}.get(word, b"250 ok\r\n"))
        self.is_ready = word == (b"RCPT" if self.is_chunky else b"DATA\r\n")

    def _encrypt(self) -> None:
        self.line = self.certificate.context.wrap_socket(self.line, server_side=True)

    @property
    def handed(self) -> int:
        """The octets of the body that our kernel holds, on either side of the loopback (Linux)."""
        mine, theirs = self.line.getsockname()[1], self.line.getpeername()[1]
        return _queued(mine, theirs)[1] + _queued(theirs, mine)[0]


def _queued(local: int, remote: int) -> tuple[int, int]:
    """What waits to be sent and to be read at one end of a connection over 127.0.0.1."""
    for words in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:]):
        ports = [int(end.rpartition(":")[2], 16) for end in words[1:3]]
        if ports == [local, remote]:
            sending, _, waiting = words[4].partition(":")
            return int(sending, 16), int(waiting, 16)
    return 0, 0


Manner = tuple[str, bool]  # how it is encrypted, and whether mails go as chunks


class StuckRelay:
    """Many connections that all stop reading; `go_on` lets them read again."""

    def __init__(self, listener: socket.socket, certificate: Certificate, manner: Manner) -> None:
        self.go_on = threading.Event()
        self.ends: list[Stuck] = []
        self._listener, self._certificate, self._manner = listener, certificate, manner
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def handed(self) -> dict[str, int]:
        return {end.recipient: end.handed for end in self.ends if end.is_ready}

    def join(self) -> None:
        for thread in self._threads[1:]:
            thread.join(30)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            security, is_chunky = self._manner
            self.ends.append(Stuck(line, is_chunky, self._certificate, security, self.go_on))
            self._threads.append(threading.Thread(target=self.ends[-1].serve))
            self._threads[-1].start()


def letter(number: int, length: int) -> Envelope:
    line = b"words and words and words\r\n"
    return envelope(number, body=(line * (length // len(line) + 1))[: length - 2] + b"\r\n")


def on_wire(mail: Envelope, manner: Manner) -> int:
    """The octets from the beginning of the body to its end, as the kernel sees them."""
    security, is_chunky = manner
    end = len(b"BDAT %d LAST\r\n" % len(mail.body)) if is_chunky else 3
    plain = len(mail.body) + end
    return plain if security == "none" else plain + -(-plain // RECORD) * OVERHEAD


class Withdrawal:
    """Withdraws everybody once all connections are stuck, waits, and lets the relay read again."""

    def __init__(self, relay: StuckRelay, connections: int) -> None:
        self.relay = relay
        self.connections = connections
        self.at = 0.0
        self.handed: dict[str, int] = {}

    def poll(self) -> bool:
        if self.relay.go_on.is_set():
            return True
        before, self.handed = self.handed, self.relay.handed
        if self.at == 0.0:
            is_stuck = len(before) == self.connections and before == self.handed
            self.at = time.monotonic() if is_stuck else 0.0
        elif time.monotonic() > self.at + LASTS:
            self.relay.go_on.set()
        return True

    def allow(self, _key: str) -> bool:
        return self.at == 0.0


@dataclass
class Played:
    """What became of mails whose recipients withdrew while the relay did not read."""

    handed: dict[str, int]  # octets that the kernel had when the relay began to read again
    whole: set[str]


def play(run: Run, mails: list[Envelope], certificate: Certificate, manner: Manner) -> Played:
    with listening() as listener:
        relay = StuckRelay(listener, certificate, manner)
        withdrawal = Withdrawal(relay, len(mails))
        unhurried = replace(QUICK, tls=30, command=30, mail=30, data=30, block=30, dot=30)
        target = relay_at(
            listener.getsockname()[1],
            security=manner[0],
            ca_file=str(certificate.path),
            timeouts=unhurried,
        )
        run(
            iter(mails),
            target,
            connections=len(mails),
            allow=withdrawal.allow,
            poll=withdrawal.poll,
        )
        relay.join()
    return Played(withdrawal.handed, {end.recipient for end in relay.ends if end.has_end})


def about_as_long_as_fits(most: int, security: str) -> list[Envelope]:
    """Mails that end just before, at, and just behind what the kernel takes."""
    middle = most if security == "none" else most - most // (RECORD + OVERHEAD) * OVERHEAD
    return [letter(n, middle + (n - CONNECTIONS // 2) * STEP) for n in range(CONNECTIONS)]


@pytest.mark.requirement("C-061")
@pytest.mark.requirement("E-093")
@pytest.mark.parametrize("is_chunky", [False, True], ids=["DATA", "BDAT"])
@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_no_final_dot_leaves_our_hands_after_a_withdrawal(
    run: Run, certificate: Certificate, security: str, is_chunky: bool, tmp_path: Path
) -> None:
    manner = (security, is_chunky)
    most = play(run, [letter(99, HUGE)], certificate, manner).handed["r99"]
    mails = about_as_long_as_fits(most, security)
    played = play(run, mails, certificate, manner)
    for mail in mails:
        recipient = f"r{mail.key[1:]}"
        was_gone = played.handed[recipient] >= on_wire(mail, manner)
        assert (recipient in played.whole) is was_gone
        kind = OutcomeKind.ACCEPTED if was_gone else OutcomeKind.UNSENT
        assert run.by_key[mail.key].kind is kind
    journal = (tmp_path / "worker-1.journal").read_text()
    assert "\tunsent\t" in journal, "no mail waited in our hands with its end next"
