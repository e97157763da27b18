"""One non-blocking connection, in the clear or encrypted; it moves octets and knows no SMTP."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from typing import Final

RECORD: Final = 16 * 1024  # the most plaintext of one TLS record (RFC 8446 §5.1)
BLOCK: Final = 128 * 1024
_READ: Final = 16 * 1024

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def find_addresses(host: str, port: int) -> list[Address]:
    """The addresses of the relay in the resolver's order. Raises OSError; this call may block."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in found]  # type: ignore[misc]  # typeshed also names the form without IPv6


class Wire:
    """A TCP connection that may become a TLS one; every call returns at once or raises OSError."""

    def __init__(self, address: Address) -> None:
        family, where = address
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.connecting = True
        self._pending = b""  # ciphertext not yet taken by the kernel
        self._promised = 0  # octets of plaintext in it, while it is a record of `send`
        self._tls: ssl.SSLObject | None = None
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BlockingIOError):
                self.socket.connect(where)
        except OSError:
            self.socket.close()
            raise

    @property
    def most(self) -> int:
        """How many octets to offer to `send` at once."""
        return BLOCK if self._tls is None else RECORD

    @property
    def is_tls(self) -> bool:
        """Whether TLS has begun."""
        return self._tls is not None

    @property
    def wants_write(self) -> bool:
        """Whether the wire itself waits for the kernel to take octets."""
        return self.connecting or bool(self._pending) or bool(self._leaving.pending)

    def finish_connecting(self) -> None:
        """Call when the socket became writable. Raises OSError if there is no connection."""
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self.connecting = False

    def receive(self) -> bytes | None:
        """What arrived; None when nothing did, b"" when the other side has closed."""
        try:
            octets = self.socket.recv(_READ)
        except BlockingIOError:
            return None
        if self._tls is None:
            return octets
        if not octets:
            return b""
        self._arrived.write(octets)
        return self._decrypted(self._tls)

    def send(self, octets: bytes | memoryview) -> int:
        """Send at most `most` octets; returns how many the kernel has taken, 0 when it takes none.

        Under TLS a record counts with its last octet, for before that nobody can read any of it. After 0
        the next call must offer the same octets again; without one they were certainly not sent (C-061).
        """
        if self._tls is None:
            try:
                return self.socket.send(octets)
            except BlockingIOError:
                return 0
        if not self._promised:
            if not self.flush():
                return 0
            self._promised = self._tls.write(octets)
            self._pending = self._leaving.read()
        if not self._push():
            return 0
        taken, self._promised = self._promised, 0
        return taken

    def flush(self) -> bool:
        """Give the kernel what TLS itself has to say; True when nothing waits. A record is for `send`."""
        if self._tls is None:
            return True
        if self._promised:
            return False
        self._pending += self._leaving.read()
        return self._push()

    def _push(self) -> bool:
        if self._pending:
            with contextlib.suppress(BlockingIOError):
                self._pending = self._pending[self.socket.send(self._pending) :]
        return not self._pending

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """From now on everything is encrypted; drive `handshake` until it is done."""
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)

    def handshake(self) -> bool:
        """Take the handshake as far as what arrived allows; True when it is done."""
        if self._tls is None:
            return False
        closed = False
        try:
            octets = self.socket.recv(_READ)
            self._arrived.write(octets)
            closed = not octets
        except BlockingIOError:
            pass
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            if closed:
                raise ConnectionResetError("closed during the TLS handshake") from None
            return False
        except ssl.SSLError:
            with contextlib.suppress(OSError):
                self.flush()  # tells the other side why
            raise
        self.flush()
        return True

    def decrypted_rest(self) -> bytes | None:
        """What arrived together with the end of the handshake."""
        return None if self._tls is None else self._decrypted(self._tls)

    def part(self) -> None:
        """Say in TLS too that nothing more comes (RFC 8446 §6.1), as far as the kernel takes it."""
        if self._tls is not None and not self._promised:
            with contextlib.suppress(OSError):
                self._tls.unwrap()
            with contextlib.suppress(OSError):
                self.flush()

    def close(self) -> None:
        """Close without ceremony."""
        self.socket.close()

    def _decrypted(self, tls: ssl.SSLObject) -> bytes | None:
        pieces: list[bytes] = []
        closed = False
        try:
            while piece := tls.read(RECORD):
                pieces.append(piece)
            closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            closed = True
        except ssl.SSLError:
            if not pieces:
                raise
        with contextlib.suppress(OSError):
            self.flush()  # a failure shows again at the next read; what was read must not be lost
        if pieces:
            return b"".join(pieces)
        return b"" if closed else None
