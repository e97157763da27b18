"""The witness on a socket: HTTP/1.1 with small limits, for TLS put a proxy before it.

No request may be larger than 128 KiB; a connection lives a minute, idle or not; there are 64 at most. Who
comes over that is let go at once.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Timer
from typing import Any

from mailer.witness.cosigner import PLAIN, Cosigner, Reply

LARGEST_BODY = 128 * 1024
MOST_CONNECTIONS = 64
CONNECTION_SECONDS = 60
SILENCE_SECONDS = 10

log = logging.getLogger(__name__)


class Witness(ThreadingHTTPServer):
    """Listens as soon as it is made; `serve_forever` answers, `shutdown` ends that.

    Raises OSError when the address cannot be had.
    """

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(
        self, host: str, port: int, cosigner: Cosigner, describe: Callable[[], str]
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.cosigner = cosigner
        self.describe = describe
        self._free = BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        end = Timer(CONNECTION_SECONDS, _end, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("a connection broke")


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("a connection was already gone")


class _Handler(BaseHTTPRequestHandler):
    server: Witness
    protocol_version = "HTTP/1.1"
    server_version = "witness"
    sys_version = ""
    timeout = SILENCE_SECONDS
    disable_nagle_algorithm = True  # or the second half of each answer waits for the client

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(Reply(200, self.server.describe()))
        else:
            self._answer(Reply(404, "Send checkpoints to /add-checkpoint.\n"))

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self.close_connection = True
            self._answer(Reply(404, "Send checkpoints to /add-checkpoint.\n"))
            return
        body = self._read_body()
        if body is not None:
            self._answer(self.server.cosigner.add_checkpoint(body))

    def _read_body(self) -> bytes | None:
        """The whole body; None when it was refused, and the connection ends then."""
        given = self.headers.get_all("Content-Length") or []
        if "Transfer-Encoding" in self.headers or len(given) != 1 or not given[0].isdecimal():
            self._refuse(Reply(411, "Say the length of the request in Content-Length.\n"))
            return None
        if len(given[0]) > 9 or int(given[0]) > LARGEST_BODY:
            self._refuse(Reply(413, f"A request has at most {LARGEST_BODY} bytes.\n"))
            return None
        body = self.rfile.read(int(given[0]))
        if len(body) != int(given[0]):
            self.close_connection = True
            return None
        return body

    def _refuse(self, reply: Reply) -> None:
        self.close_connection = True
        self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        body = reply.body.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type or PLAIN)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is inherited)
        log.info(format, *args)
