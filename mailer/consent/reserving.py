"""Keys of people, put into the key store some ahead: it waits for the disk each time, so once for many.

Under load twice as many each time, up to MOST. A key that is not used in time is left to `sweep_keys`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Final

from mailer.consent.subjects import place_of_key
from mailer.foundation import cipher, context, keystore
from mailer.foundation.clock import now
from mailer.foundation.ids import new_id

MOST: Final = 64
LAST_SECONDS: Final = 60.0  # a small part of the day after which an unused key is swept away
_EXTENSION: Final = "mailer.consent.reserve"


def take_key() -> tuple[str, bytes]:
    """A name for a new subject, and the key that lies under it in the key store (T-006).

    Raises Unavailable.
    """
    reserve: Reserve = context.extensions().setdefault(_EXTENSION, Reserve())
    return reserve.take()


class Reserve:
    """The keys that this process has ahead, for `lasts` seconds; a child that is forked off makes its own."""

    def __init__(self, lasts: float = LAST_SECONDS) -> None:
        self._lasts = lasts
        self._lock = threading.Lock()
        self._keys: deque[tuple[str, bytes]] = deque()
        self._made_at = 0.0
        self._made_by = 0
        self._size = 1

    def take(self) -> tuple[str, bytes]:
        """A name and its key, which nobody else gets. Raises Unavailable."""
        with self._lock:
            if not self._keys or not self._is_fresh():
                self._fill()
            return self._keys.popleft()

    def _is_fresh(self) -> bool:
        age = now().timestamp() - self._made_at
        return self._made_by == os.getpid() and 0 <= age < self._lasts

    def _fill(self) -> None:
        self._size = min(self._size * 2, MOST) if self._is_fresh() else 1
        self._keys.clear()
        keys = {new_id("sub"): cipher.new_key() for _ in range(self._size)}
        keystore.put_many(
            {name: cipher.seal(key, bound_to=place_of_key(name)) for name, key in keys.items()}
        )
        self._keys.extend(keys.items())
        self._made_at, self._made_by = now().timestamp(), os.getpid()
