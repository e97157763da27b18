"""One connection of a run: its slot, its wire, and the dialogue that is held over it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailer.transport.readiness import READ, WRITE
from mailer.transport.slots import Slot
from mailer.transport.steady import SteadyDialogue
from mailer.transport.wire import Address, Wire


@dataclass(slots=True, eq=False)
class Link:
    """A connection that exists, or is being made. `since` is monotonic: its last progress."""

    slot: Slot
    wire: Wire
    address: Address
    addresses: list[Address]  # those still to be tried, if there is no use in this one
    dialogue: SteadyDialogue
    since: float
    events: int = WRITE  # those it is registered for
    allowed_at: float = 0.0  # monotonic: when the mail on its way was last allowed
    descriptor: int = field(init=False)

    def __post_init__(self) -> None:
        self.descriptor = self.wire.socket.fileno()

    @property
    def wanted_events(self) -> int:
        """What the selector should wait for now."""
        if self.wire.connecting:
            return WRITE
        if self.wire.wants_write or self.dialogue.has_unwritten:
            return READ | WRITE
        return READ
