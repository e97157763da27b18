"""What every way of handing mails over has in common.

To add one, such as the HTTP interface of a mail service: write a class with `name` and `deliver`, keep the
promises of `Carrier.deliver`, and have `mailer/jobs/runner.py` choose it by a setting.
docs/relays.md says what is expected in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mailer.transport.engine import deliver
from mailer.transport.envelopes import Envelope
from mailer.transport.journal import Journal
from mailer.transport.outcomes import Outcome
from mailer.transport.relay import Relay


class Carrier(Protocol):
    """Something that takes mails to where they are handed over."""

    @property
    def name(self) -> str:
        """The other side as outcomes name it."""
        ...

    def deliver(
        self,
        envelopes: Iterator[Envelope | None],
        *,
        journal: Journal,
        allow: Callable[[str], bool],
        poll: Callable[[], bool],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        """Hand over every envelope that is pulled, with exactly one outcome each; blocks until done.

        The iterator yields None when there is nothing at the moment; ask it again within 100 ms,
        and pull no further ahead than can be sent at once. Ask `allow(key)` immediately before the
        octet that makes a mail the other side's can leave, and say UNSENT "withheld" if it says no
        (C-061). Ask `poll()` every 100 ms; once it says False begin nothing more and finish what is
        under way. Call `journal.sent` before that octet and `journal.answered` before `on_outcome`.
        What may have been taken but was not answered is UNCERTAIN (E-093); what was not is UNSENT.
        Raises RelayUnavailable or RelayRefused when the other side cannot be used at all, and
        JournalFailed; in all cases after everything pulled has its outcome.
        """
        ...


@dataclass(frozen=True, slots=True)
class SmtpCarrier:
    """Takes mails to an SMTP relay over at most `connections` connections."""

    relay: Relay
    connections: int

    @property
    def name(self) -> str:
        """The relay as outcomes name it: "host:port"."""
        return self.relay.name

    def deliver(
        self,
        envelopes: Iterator[Envelope | None],
        *,
        journal: Journal,
        allow: Callable[[str], bool],
        poll: Callable[[], bool],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        """As `Carrier` says, by `transport.deliver`."""
        deliver(
            envelopes,
            self.relay,
            connections=self.connections,
            journal=journal,
            allow=allow,
            poll=poll,
            on_outcome=on_outcome,
        )
