"""A cable between a worker and its database and Redis that can be pulled: nothing gets through, no connection
ends, and nobody is told. When it is plugged in again, what was on its way arrives.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

PATIENCE_SECONDS = 30.0
SOCKET = ".s.PGSQL.5432"
_IS_IDLE = b"Z\0\0\0\5I"  # PostgreSQL's ReadyForQuery outside of a transaction

Target = Path | tuple[str, int]  # a Unix socket or an address


class Cable:
    """Made by `lay_cable`; wires lead through it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.is_pulled = False
        self.missed = 0  # questions to the database since it was pulled
        self.busy: set[Wire] = set()  # wires with a question, or a transaction, that is not over
        self._listeners: list[socket.socket] = []
        self._wires: list[Wire] = []

    def lead_to_database(self, url: str) -> str:
        """The address of the database at `url` for who is to reach it through this cable."""
        there = sa.make_url(url)
        host = str(there.query.get("host") or there.host)
        target = Path(host) / SOCKET if host.startswith("/") else (host, there.port or 5432)
        port = self._listen(target, is_database=True)
        here = there.set(host="127.0.0.1", port=port, query={})
        return here.render_as_string(hide_password=False)

    def lead_to_redis(self, path: Path) -> str:
        """The same for the Redis whose socket is `path`."""
        return f"redis://127.0.0.1:{self._listen(path)}/0"

    def pull(self) -> None:
        """Pull it as soon as no transaction is open and no question to the database is unanswered."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.busy, PATIENCE_SECONDS)
            self.is_pulled = True

    def plug(self) -> None:
        """Let everything through again."""
        with self.changed:
            self.is_pulled = False
            self.changed.notify_all()

    def close(self) -> None:
        self.plug()
        for listener in self._listeners:
            _shut(listener)
            listener.close()
        for wire in self._wires:
            wire.close()

    def _listen(self, target: Target, *, is_database: bool = False) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)
        threading.Thread(
            target=self._accept, args=(listener, target, is_database), daemon=True
        ).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, target: Target, is_database: bool) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = _connect(target)
                if server is None:
                    client.close()
                    continue
                wire = Wire(self, client, server, is_database)
                self._wires.append(wire)
                for work in (wire.forth, wire.back):
                    threading.Thread(target=work, daemon=True).start()


class Wire:
    """One connection through a cable."""

    def __init__(
        self, cable: Cable, client: socket.socket, server: socket.socket, is_database: bool
    ) -> None:
        self._cable, self._client, self._server = cable, client, server
        self._is_database = is_database

    def forth(self) -> None:
        """Take to the server what the client says."""
        with contextlib.suppress(OSError):
            while octets := self._client.recv(1 << 16):
                with self._cable.changed:
                    self._cable.missed += self._is_database and self._cable.is_pulled
                    self._await_plug()
                    if self._is_database:
                        self._cable.busy.add(self)
                self._server.sendall(octets)
        self._end(self._server)

    def back(self) -> None:
        """Take to the client what the server says."""
        said = b""
        with contextlib.suppress(OSError):
            while octets := self._server.recv(1 << 16):
                said = (said + octets)[-len(_IS_IDLE) :]
                # In one step, so that no further question comes between the answer and the note of it.
                with self._cable.changed:
                    self._await_plug()
                    self._client.sendall(octets)
                    if said == _IS_IDLE:
                        self._rest()
        self._end(self._client)

    def close(self) -> None:
        for end in (self._client, self._server):
            _shut(end)
            end.close()

    def _await_plug(self) -> None:
        self._cable.changed.wait_for(lambda: not self._cable.is_pulled)

    def _end(self, end: socket.socket) -> None:
        with self._cable.changed:
            self._await_plug()
            self._rest()
        _shut(end)

    def _rest(self) -> None:
        self._cable.busy.discard(self)
        self._cable.changed.notify_all()


@contextmanager
def lay_cable() -> Iterator[Cable]:
    """A cable, taken away afterwards."""
    cable = Cable()
    try:
        yield cable
    finally:
        cable.close()


def _connect(target: Target) -> socket.socket | None:
    """A line to `target`; None when nobody is there."""
    family, address = (
        (socket.AF_UNIX, str(target)) if isinstance(target, Path) else (socket.AF_INET, target)
    )
    server = socket.socket(family)
    try:
        server.connect(address)
    except OSError:
        server.close()
        return None
    return server


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
