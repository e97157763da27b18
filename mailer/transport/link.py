"""One connection of a run: its slot, its wire, and the dialogue that is held over it."""

from __future__ import annotations

import selectors
from dataclasses import dataclass

from mailer.transport.dialogue import Dialogue
from mailer.transport.slots import Slot
from mailer.transport.wire import Address, Wire


@dataclass(slots=True, eq=False)
class Link:
    """A connection that exists, or is being made. `since` is monotonic: its last progress."""

    slot: Slot
    wire: Wire
    addresses: list[Address]  # those still to be tried
    dialogue: Dialogue
    since: float
    events: int = selectors.EVENT_WRITE  # those it is registered for

    @property
    def wanted_events(self) -> int:
        """What the selector should wait for now."""
        if self.wire.connecting:
            return selectors.EVENT_WRITE
        if self.wire.wants_write or self.dialogue.has_unwritten:
            return selectors.EVENT_READ | selectors.EVENT_WRITE
        return selectors.EVENT_READ
