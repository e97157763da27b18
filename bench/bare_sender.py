"""The quickest sender Python can be: the same octets again and again, every flight as full as it may be.

It has no rows, no journal and nobody's name in its mails; what it reaches is the limit of the receiver.
Run as `python -m bench.bare_sender PORT MAILS OCTETS CONNECTIONS`.
"""

from __future__ import annotations

import selectors
import socket
import sys

_INVITATION = b"MAIL FROM:<letters@example.org>\r\nRCPT TO:<reader@example.org>\r\nDATA\r\n"
_LINE = b"abcdefghijklmnopqrstuvwxyz" * 2 + b"\r\n"


def send(port: int, *, mails: int, octets: int, connections: int) -> None:
    """Send `mails` of `octets` each over `connections` connections, pipelined (RFC 2920)."""
    body = (_LINE * (octets // len(_LINE) + 1))[: octets - 2] + b"\r\n.\r\n"
    flight = body + _INVITATION
    selector = selectors.DefaultSelector()
    waiting = mails
    for _ in range(min(connections, mails)):
        wire = _opened(port)
        wire.sendall(_INVITATION)
        selector.register(wire, selectors.EVENT_READ, [3])
        waiting -= 1
    while selector.get_map():
        ready = selector.select(10)
        if not ready:
            raise TimeoutError("the receiver does not answer")
        for key, _ in ready:
            wire = key.fileobj  # type: ignore[assignment]  # only sockets were registered
            due: list[int] = key.data
            due[0] -= wire.recv(4096).count(b"\n")
            if due[0] > 0:
                continue
            if not waiting:
                _finish(wire, body)
                selector.unregister(wire)
                continue
            waiting -= 1
            due[0] = 4
            wire.sendall(flight)


def _opened(port: int) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", port), 10)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.recv(4096)
    wire.sendall(b"EHLO bench\r\n")
    wire.recv(4096)
    return wire


def _finish(wire: socket.socket, body: bytes) -> None:
    wire.sendall(body + b"QUIT\r\n")
    while wire.recv(4096):
        pass
    wire.close()


if __name__ == "__main__":
    given_port, given_mails, given_octets, given_connections = map(int, sys.argv[1:])
    send(given_port, mails=given_mails, octets=given_octets, connections=given_connections)
