"""Something happened: recorded during a unit of work, told to listeners after its commit.

Events carry public ids and row ids only, never personal data. Losing one loses nothing: the row is the
truth and the clock finds it; events only make things quick.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events: frozen, past tense, named after what happened."""


Listener = Callable[[Event], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have `listener` told of every event after commit, once however often this is called."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell(events: list[Event]) -> None:
    """Tell all listeners; one that fails is logged and does not undo what is committed."""
    for event in events:
        for listener in _listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed; the clock will catch up")
