"""The connections of one run: who may dial, who is gone, and what that means for their mails."""

from __future__ import annotations

import ssl
import time

from mailer.foundation import clock
from mailer.transport.link import Link
from mailer.transport.phases import Cause, Fault, Phase
from mailer.transport.readiness import Readiness
from mailer.transport.relay import Relay
from mailer.transport.reporting import Reporter
from mailer.transport.slots import Slot, Slots
from mailer.transport.steady import SteadyDialogue
from mailer.transport.stock import Stock
from mailer.transport.wire import Address, Wire, find_addresses


class Connections:
    """Opens and closes them; what is said over them is the engine's matter."""

    def __init__(self, relay: Relay, connections: int, stock: Stock, reporter: Reporter) -> None:
        self._relay = relay
        self._stock = stock
        self._reporter = reporter
        self._slots = Slots(connections, relay.timeouts)
        self._links: dict[int, Link] = {}  # by the descriptor of the socket
        self._readiness = Readiness()
        self._addresses: list[Address] = []
        self._context: ssl.SSLContext | None = None
        self._stopping = False
        self._look_for_slots = True

    def _has(self, link: Link) -> bool:
        return self._links.get(link.descriptor) is link

    def _open_links(self, now: float) -> None:
        """Open as many connections as there is work for; each is backed by a pulled mail."""
        self._look_for_slots = False
        opening = sum(1 for link in self._links.values() if not link.dialogue.is_open)
        if self._stopping:
            return
        for slot in self._slots.free(now):
            if len(self._stock) <= opening and not self._stock.pull():
                return
            self._open(slot)
            opening += 1

    def _open(self, slot: Slot) -> None:
        try:
            if not self._addresses:
                self._addresses = find_addresses(self._relay.host, self._relay.port)
            if self._context is None and self._relay.security != "none":
                self._context = ssl.create_default_context(cafile=self._relay.ca_file)
        except (OSError, UnicodeError) as error:
            self._slots.count_fault(
                slot, Fault("relay", f"could not be found or verified: {error}"), time.monotonic()
            )
            return
        self._dial(slot, list(self._addresses))

    def _dial(self, slot: Slot, addresses: list[Address]) -> None:
        """Begin to connect to the first of `addresses` that takes it."""
        reason = "has no address"
        while addresses:
            address = addresses.pop(0)
            try:
                wire = Wire(address)
            except OSError as error:
                reason = f"could not be reached: {error.strerror or error}"
                self._ask_last(address)
                continue
            dialogue = SteadyDialogue(self._relay)
            slot.is_taken = True
            link = Link(slot, wire, address, addresses, dialogue, time.monotonic())
            self._links[link.descriptor] = link
            self._readiness.register(link.descriptor, link.events)
            return
        self._slots.count_fault(slot, Fault("relay", reason), time.monotonic())

    def _close(self, link: Link) -> None:
        """Forget a connection whose dialogue is over, and decide when its slot may dial again."""
        if not self._has(link):
            return
        self._forget(link)
        self._look_for_slots = True
        fault = link.dialogue.fault
        if fault is None or fault.cause == "ours":
            return
        if not (link.dialogue.is_signing_in or link.dialogue.is_open):
            self._ask_last(link.address)
            if link.addresses and not self._stopping:
                self._dial(link.slot, link.addresses)
                return
        if fault.cause == "lost" and link.dialogue.answers:
            # A relay that closes after some mails: simply dial again, carefully.
            self._slots.send_scout()
            return
        self._slots.count_fault(link.slot, fault, time.monotonic())

    def _forget(self, link: Link) -> None:
        del self._links[link.descriptor]
        self._readiness.unregister(link.descriptor)
        if link.dialogue.phase is Phase.OVER and link.dialogue.fault is None:
            link.wire.part()
        link.wire.close()
        link.slot.is_taken = False

    def _ask_last(self, address: Address) -> None:
        """A server behind the name of the relay is of no use now: begin with another next time."""
        self._addresses.sort(key=lambda one: one == address)

    def _lose(self, link: Link, reason: str, cause: Cause) -> None:
        """The connection failed or is given up."""
        self._reporter.report(link.dialogue.lose(reason, clock.now(), cause))
        self._close(link)

    def _watch(self, link: Link) -> None:
        """Wait for what the connection can use now."""
        events = link.wanted_events
        if events != link.events:
            link.events = events
            self._readiness.modify(link.descriptor, events)

    def _close_everything(self) -> None:
        for link in self._links.values():
            link.wire.close()
        self._readiness.close()
