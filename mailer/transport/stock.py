"""The mails pulled from the caller and not yet on a connection; it never pulls unasked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from mailer.transport.envelopes import Envelope


class Stock:
    """A short queue before an iterator that is read one envelope at a time.

    `is_exhausted`: the iterator has ended. `error`: what it raised instead, kept for later, as
    the mails on the wire must be finished first.
    """

    def __init__(self, envelopes: Iterator[Envelope | None]) -> None:
        self.is_exhausted = False
        self.error: Exception | None = None
        self._envelopes = envelopes
        self._waiting: deque[Envelope] = deque()
        self._resting = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_out_of_work(self) -> bool:
        """Whether there will never be another envelope."""
        return self.is_exhausted and not self._waiting

    def wake(self) -> None:
        """Ask the iterator again, after it had nothing at the moment."""
        self._resting = False

    def pull(self) -> bool:
        """Pull one envelope; False when there is none, now or ever."""
        envelope = self._next()
        if envelope is None:
            return False
        self._waiting.append(envelope)
        return True

    def take(self) -> Envelope | None:
        """The next envelope, pulled if none waits; None when there is none, now or ever."""
        return self._waiting.popleft() if self._waiting else self._next()

    def put_back(self, envelope: Envelope) -> None:
        """Return an envelope that was taken and has not been begun."""
        self._waiting.appendleft(envelope)

    def drain(self) -> Iterator[Envelope]:
        """Take everything that waits, and pull nothing."""
        while self._waiting:
            yield self._waiting.popleft()

    def _next(self) -> Envelope | None:
        if self.is_exhausted or self._resting:
            return None
        try:
            envelope = next(self._envelopes)
        except StopIteration:
            self.is_exhausted = True
            return None
        except Exception as error:  # noqa: BLE001  # raised again once the wire is quiet
            self.error, self.is_exhausted = error, True
            return None
        self._resting = envelope is None
        return envelope
