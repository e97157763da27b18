"""Which connections the kernel has something for: epoll where there is one, else poll.

`register(descriptor, mask)`, `modify`, `unregister`, `poll(seconds)` and `close`, with the same masks.
"""

from __future__ import annotations

import select
import sys
from typing import Final

READ: Final = select.POLLIN
WRITE: Final = select.POLLOUT


class _Poll:
    """`select.poll` with the face of `select.epoll`."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.unregister = self._poll.unregister

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        """The descriptors that are ready, after at most `seconds`."""
        return self._poll.poll(seconds * 1000)

    def close(self) -> None:
        """There is nothing to give back."""


if sys.platform == "linux":
    Readiness = select.epoll
else:
    Readiness = _Poll
