"""An SMTP receiver that does as little as it can: it takes every mail, counts it and forgets it.

One process, one loop; offers PIPELINING, and can wait before it answers a mail. `XCOUNT`, a word of its
own, answers what came since it was last asked. Run as `python -m bench.sink [MILLISECONDS]`; it prints
the port it listens on.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from types import FrameType

_READ = 256 * 1024
_END = b"\r\n.\r\n"
_HELLO = (
    b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
)
_OK, _GO_AHEAD, _BYE = b"250 2.0.0 OK\r\n", b"354 go ahead\r\n", b"221 2.0.0 bye\r\n"


@dataclass(slots=True)
class Count:
    """What was received: times are of the machine's monotonic clock, processor time is the sink's."""

    mails: int = 0
    octets: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Mails a second from the first to the last."""
        return (self.mails - 1) / max(1e-9, self.last_at - self.first_at)


class _Connection:
    def __init__(self, sink: Sink, wire: socket.socket) -> None:
        self.wire = wire
        self._sink = sink
        self._rest = b""
        self._in_body = False

    def read(self) -> bool:
        """Take what came and answer it; False once the connection is over."""
        octets = self.wire.recv(_READ)
        buffer = self._rest + octets if self._rest else octets
        replies: list[bytes] = []
        has_mail = False
        while buffer:
            if self._in_body:
                end = buffer.find(_END)
                if end < 0:
                    # What may be the beginning of the end is kept.
                    self._sink.count.octets += max(0, len(buffer) - 4)
                    buffer = buffer[-4:]
                    break
                self._sink.took(end)
                self._in_body, has_mail = False, True
                replies.append(_OK)
                buffer = buffer[end + len(_END) :]
                continue
            line, is_whole, rest = buffer.partition(b"\r\n")
            if not is_whole:
                break
            replies.append(self._answer(line[:4].upper()))
            # The line end before a body counts as its own, so that an empty body ends too.
            buffer = b"\r\n" + rest if self._in_body else rest
        self._rest = buffer
        if replies and has_mail and self._sink.delay:
            self._sink.hold(self.wire, b"".join(replies))
        elif replies:
            self.wire.send(b"".join(replies))
        return bool(octets) and replies[-1:] != [_BYE]

    def _answer(self, word: bytes) -> bytes:
        if word == b"DATA":
            self._in_body = True
            return _GO_AHEAD
        if word == b"EHLO":
            return _HELLO
        if word == b"XCOU":
            return f"250 {self._sink.tell()}\r\n".encode()
        return _BYE if word == b"QUIT" else _OK


class Sink:
    """The receiver, listening on a port of its own choice."""

    def __init__(self, delay: float = 0.0) -> None:
        self.count = Count()
        self.delay = delay  # seconds between a mail and the answer to it
        self._held: deque[tuple[float, socket.socket, bytes]] = deque()
        self._cpu_before = time.process_time()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def took(self, octets: int) -> None:
        """A mail is complete; `octets` of it came last."""
        count = self.count
        count.last_at = time.monotonic()
        count.first_at = count.first_at or count.last_at
        count.mails += 1
        count.octets += octets

    def hold(self, wire: socket.socket, octets: bytes) -> None:
        """Answer later; the first that waits is the first that is due."""
        self._held.append((time.monotonic() + self.delay, wire, octets))

    def _answer_what_is_due(self) -> float | None:
        """Seconds until the next answer is due; None when nothing waits."""
        while self._held:
            due, wire, octets = self._held[0]
            wait = due - time.monotonic()
            if wait > 0:
                return wait
            self._held.popleft()
            with contextlib.suppress(OSError):
                wire.send(octets)
        return None

    def tell(self) -> str:
        """What was received since the last question, and begin again."""
        told, self.count = self.count, Count()
        cpu = time.process_time()
        told.cpu_seconds, self._cpu_before = cpu - self._cpu_before, cpu
        return json.dumps(asdict(told))

    def serve(self) -> None:
        """Receive until the process is ended."""
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(self._answer_what_is_due()):
                connection = key.data
                if connection is None:
                    wire, _ = self._listener.accept()
                    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    wire.send(b"220 sink\r\n")
                    selector.register(wire, selectors.EVENT_READ, _Connection(self, wire))
                elif not _is_alive(connection):
                    selector.unregister(connection.wire)
                    connection.wire.close()


def ask(port: int) -> Count:
    """Ask the sink on `port` what it received since it was last asked."""
    with socket.create_connection(("127.0.0.1", port), 5) as wire, wire.makefile("rwb") as lines:
        lines.readline()
        lines.write(b"XCOUNT\r\n")
        lines.flush()
        return Count(**json.loads(lines.readline()[4:]))


def _is_alive(connection: _Connection) -> bool:
    try:
        return connection.read()
    except OSError:
        return False


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    the_sink = Sink(float(sys.argv[1]) / 1000 if sys.argv[1:] else 0.0)
    print(the_sink.port, flush=True)
    the_sink.serve()
