"""gunicorn's threaded worker, with two things more.

Whoever holds fewest connections takes the next one. All workers wait at the same socket, and nothing says who
comes first: without this, one of two takes nearly all of sixteen visitors that come one after the other.

A slow visitor keeps no thread. A request is handed to one when it is here whole, or is a large one; a header
has ten seconds, and a body must come at a certain rate. Without this, forty connections that send a line now
and then stop all pages where no proxy stands before the service and takes requests in first.
"""

from __future__ import annotations

import errno
import mmap
import select
import socket
import time
from array import array
from typing import Any

from gunicorn.workers import gthread

LOOK_EVERY = 0.0002  # seconds, while a connection is left to somebody else
SHORT_WAIT = 50  # milliseconds that a thread waits for a request, before it turns to others
LARGEST_HELD = 65_536  # octets of a request that are waited for without a thread
SLOWEST = 10_000  # octets a second of a body
_END = b"\r\n\r\n"
_NOBODY = 2**31 - 1
_SLOTS = 64
# How many connections each worker holds. gunicorn loads this module before it forks, so all see the same.
_held = memoryview(mmap.mmap(-1, 4 * _SLOTS)).cast("i")
_held[:] = array("i", [_NOBODY] * _SLOTS)


class Connection(socket.socket):
    """A visitor's connection that ends when a request takes too long to arrive, or an answer to be taken."""

    until = 0.0  # when the request must be here; 0 between two of them
    seen = -1  # octets that had arrived when the request was last found incomplete
    rate = 0  # octets a second that put off `until`

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        left = self.until - time.monotonic()
        if left <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "the request came too slowly")
        self.settimeout(left)
        try:
            piece = super().recv(size, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the request came too slowly") from None
        if self.rate:
            self.until += len(piece) / self.rate
        return piece

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        self.settimeout(Worker.answer_seconds)
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the answer was not taken") from None

    def is_worth_a_thread(self) -> bool:
        """Whether the request is here whole, or is too large to be waited for, or will never be whole.

        If not, the connection counts as readable again once more of it has arrived.
        """
        try:
            arrived = super().recv(LARGEST_HELD, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if _is_whole(arrived) or len(arrived) in (0, self.seen, LARGEST_HELD):
            if self.seen >= 0:
                self._wake_at(1)
            return True
        self.seen = len(arrived)
        self._wake_at(self.seen + 1)
        return False

    def _wake_at(self, octets: int) -> None:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, octets)


def _is_readable(one: socket.socket, milliseconds: int) -> bool:
    waiting = select.poll()  # `select.select` takes no more than 1024 open files
    waiting.register(one, select.POLLIN)
    return bool(waiting.poll(milliseconds))


def _is_whole(arrived: bytes) -> bool:
    """Whether a request, or the header of one that is larger than we wait for, has arrived."""
    header, end, body = arrived.partition(_END)
    if not end:
        return False
    length = 0
    for line in header.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name in (b"expect", b"transfer-encoding"):
            return True
        if name == b"content-length" and value.strip().isdigit():
            length = int(value)
    return len(body) >= length or len(header) + len(end) + length > LARGEST_HELD


class Worker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Shares visitors with its neighbours, and gives a thread only to requests that are here."""

    patience_seconds = 0.02  # for those who hold fewer connections
    header_seconds = 10.0
    body_seconds = 20.0  # and what its length takes at the slowest rate
    answer_seconds = 60.0  # for each piece of an answer

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, unless somebody who holds fewer takes it."""
        until = time.monotonic() + self.patience_seconds
        while min(_held) < self.nr_conns:
            if time.monotonic() >= until:
                self._pass_over_others()
            time.sleep(LOOK_EVERY)
            if not _is_readable(listener, 0):
                return
        self._tell(self.nr_conns + 1)  # now, for the answer may be out before the loop comes round
        super().accept(listener)

    def notify(self) -> None:
        """Called at each turn of the loop."""
        super().notify()
        self._tell(self.nr_conns if self._accepting else _NOBODY)

    def _tell(self, count: int) -> None:
        _held[self.age % _SLOTS] = count

    def _pass_over_others(self) -> None:
        """Wait no more for those who hold fewer: ended, or busy until they tell again."""
        for slot, count in enumerate(_held):
            if count < self.nr_conns:
                _held[slot] = _NOBODY

    def handle(self, conn: Any) -> Any:
        """Answer a request, or have the connection wait for the rest of it without a thread."""
        if self.cfg.is_ssl:
            return super().handle(conn)
        if not isinstance(conn.sock, Connection):
            conn.sock = Connection(fileno=conn.sock.detach())
        visitor: Connection = conn.sock
        if not visitor.until:
            visitor.until = time.monotonic() + self.header_seconds
            visitor.rate = 0
            _is_readable(visitor, SHORT_WAIT)
        has_read_ahead = conn.parser is not None and conn.parser.unreader.buf.getvalue()
        if not has_read_ahead and not visitor.is_worth_a_thread():
            return gthread._DEFER  # noqa: SLF001  # what its own `handle` answers
        conn.data_ready = True
        result = super().handle(conn)
        visitor.until, visitor.seen = 0.0, -1
        return result

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The header is read: from now on the body's time counts."""
        if isinstance(conn.sock, Connection):
            conn.sock.until = time.monotonic() + self.body_seconds
            conn.sock.rate = SLOWEST
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Close connections whose request is not here in time."""
        moment = time.monotonic()
        for conn in [one for one in self.pending_conns if one.sock.until <= moment]:
            self.pending_conns.remove(conn)
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()
