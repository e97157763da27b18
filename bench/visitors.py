"""Visitors who send a form: many connections kept alive, each with one request under way."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = b"\r\ncontent-length: "
_HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Visit:
    """What came of it: answers by status, and the seconds each of them took."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    @property
    def usual_milliseconds(self) -> float:
        return statistics.median(self.waits) * 1000

    @property
    def late_milliseconds(self) -> float:
        """Nineteen of twenty did not wait longer."""
        return sorted(self.waits)[int(len(self.waits) * 0.95)] * 1000


class _Visitor(asyncio.Protocol):
    """One connection; asks again as soon as it was answered, until it is over."""

    def __init__(self, requests: Iterator[bytes], visit: Visit, until: float) -> None:
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._visit = visit
        self._until = until
        self._came = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked_at = time.perf_counter()
        if self._asked_at >= self._until:
            self._transport.close()
            return
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, is_whole, rest = self._came.partition(_HEAD_END)
        if not is_whole or len(rest) < _length(head):
            return
        status = int(head[9:12])
        self._visit.statuses[status] = self._visit.statuses.get(status, 0) + 1
        self._visit.waits.append(time.perf_counter() - self._asked_at)
        self._came = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_result(None)


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.index(_LENGTH) + len(_LENGTH)
    return int(lowered[at : at + 12].split(b"\r\n")[0])


def visit(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Visit:
    """Send `requests` one after the other over `connections` connections for `seconds`.

    A connection that the server closes is opened again. Raises TimeoutError when no answer comes.
    """
    return asyncio.run(_visit(port, requests, connections, seconds))


async def _visit(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Visit:
    result = Visit()
    began = time.perf_counter()
    until = began + seconds
    loop = asyncio.get_running_loop()

    async def come() -> None:
        while time.perf_counter() < until:
            _, visitor = await loop.create_connection(
                lambda: _Visitor(requests, result, until), "127.0.0.1", port
            )
            await visitor.is_done

    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(come() for _ in range(connections)))
    result.seconds = time.perf_counter() - began
    return result
