"""The octets that go out next, and whether the final dot among them has gone (pure)."""

from __future__ import annotations

from typing import Final

DOT: Final = b".\r\n"


class Outbox:
    """One write at a time: nothing new is put in before the replies to the last are there."""

    __slots__ = ("_dot_at", "_dot_end", "_octets", "_written")

    def __init__(self) -> None:
        self._octets = b""
        self._written = 0
        self._dot_at = 0  # where the final dot of a body begins, or the last octet of a chunk
        self._dot_end = 0

    @property
    def is_empty(self) -> bool:
        """Whether all was written."""
        return self._written >= len(self._octets)

    @property
    def is_dot_begun(self) -> bool:
        """Whether any octet of the final dot may have left."""
        return self._written > self._dot_at

    @property
    def is_dot_written(self) -> bool:
        """Whether the final dot may have left completely."""
        return self._written >= self._dot_end

    def put(self, octets: bytes) -> None:
        """Send `octets` next."""
        self._octets, self._written, self._dot_at, self._dot_end = octets, 0, 0, len(DOT)

    def put_body(self, content: bytes, invitation: bytes, *, is_chunk: bool = False) -> None:
        """Send a body, its final dot, and the commands that invite the next mail.

        A chunk has no dot: with its last octet the relay has the mail (RFC 3030).
        """
        self._written, self._dot_at = 0, len(content) - is_chunk
        self._dot_end = self._dot_at + (1 if is_chunk else len(DOT))
        self._octets = b"".join((content, b"" if is_chunk else DOT, invitation))

    def put_flight(self, octets: bytes, content: int, *, is_chunk: bool, written: int) -> None:
        """The same for octets that are put together already, of which some may have left."""
        self._octets, self._written, self._dot_at = octets, written, content - is_chunk
        self._dot_end = self._dot_at + (1 if is_chunk else len(DOT))

    def next(self, most: int) -> bytes | memoryview:
        """The next octets, at most `most`; empty when there are none."""
        left = len(self._octets) - self._written
        if not left:
            return b""
        if not self._written and left <= most:
            return self._octets
        return memoryview(self._octets)[self._written : self._written + min(left, most)]

    def holds_dot_within(self, octets: int) -> bool:
        """Whether any of the final dot is within the next `octets`."""
        return self._written < self._dot_end and self._dot_at < self._written + octets

    def wrote(self, octets: int) -> None:
        """`octets` more may have left this machine."""
        self._written += octets
