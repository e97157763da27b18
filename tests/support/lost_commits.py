"""A way to PostgreSQL on which the answer to a commit is lost: it was done, and the client never knows."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NAME = ".s.PGSQL.5432"


@dataclass
class LossyWay:
    """Cuts the line at the first commits of transactions that hold one of the given words."""

    directory: Path  # the client's `host`
    target: Path
    marks: Mapping[str, bytes]
    times: int
    lost: Counter[str] = field(default_factory=Counter)
    _lines: list[socket.socket] = field(default_factory=list)

    def wants(self, said: bytes) -> str:
        """The mark of a transaction whose answer is to be lost; empty for none."""
        for name, word in self.marks.items():
            if word in said and self.lost[name] < self.times:
                self.lost[name] += 1
                return name
        return ""

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.target))
            except OSError:
                return
            self._lines += (client, server)
            threading.Thread(target=_Line(self, client, server).forth, daemon=True).start()

    def close(self) -> None:
        for line in self._lines:
            _shut(line)
            line.close()


class _Line:
    def __init__(self, way: LossyWay, client: socket.socket, server: socket.socket) -> None:
        self._way, self._client, self._server = way, client, server
        self._is_doomed = False
        threading.Thread(target=self._back, daemon=True).start()

    def forth(self) -> None:
        said = b""
        with contextlib.suppress(OSError):
            while octets := self._client.recv(1 << 20):
                said += octets
                if b"COMMIT" in octets:
                    self._is_doomed = bool(self._way.wants(said))
                    said = b""
                self._server.sendall(octets)
        _shut(self._server)

    def _back(self) -> None:
        with contextlib.suppress(OSError):
            while octets := self._server.recv(1 << 20):
                if self._is_doomed:
                    break
                self._client.sendall(octets)
        _shut(self._client)


@contextmanager
def lose_commits(
    directory: Path, target: Path, *, times: int, **marks: bytes
) -> Iterator[LossyWay]:
    """Listen in `directory` for clients of the server whose socket is `target`."""
    directory.mkdir()
    way = LossyWay(directory, target, marks, times)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / NAME))
        listener.listen()
        threading.Thread(target=way.serve, args=(listener,), daemon=True).start()
        try:
            yield way
        finally:
            _shut(listener)
            way.close()


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
