"""Transport: hands mail to a relay over SMTP, for campaigns and for single service mails alike.

Enters: envelopes (one recipient each), the relay's address, a journal.
Leaves: exactly one outcome for every envelope that was pulled, and what its answer is about.
Always holds: nothing is sent that the caller does not allow at that moment; what may have been
sent but was not answered is UNCERTAIN and never sent again here; no table is read or written.
"""

from __future__ import annotations

from mailer.transport.answers import (
    ABOUT_US,
    CERTAIN,
    FOR_NOW,
    About,
    Reading,
    is_about_connections,
    is_of_the_relay,
    lasts_long,
    pattern_of,
    read_answer,
    read_outcome,
)
from mailer.transport.carrier import Carrier, SmtpCarrier
from mailer.transport.engine import deliver
from mailer.transport.envelopes import Envelope
from mailer.transport.failures import JournalFailed, RelayRefused, RelayUnavailable
from mailer.transport.journal import AbandonedJournal, Journal, Mark, abandoned
from mailer.transport.outcomes import Outcome, OutcomeKind, Stage
from mailer.transport.relay import Relay, Security, Timeouts
from mailer.transport.tokens import TokenFile

__all__ = [
    "ABOUT_US",
    "CERTAIN",
    "FOR_NOW",
    "AbandonedJournal",
    "About",
    "Carrier",
    "Envelope",
    "Journal",
    "JournalFailed",
    "Mark",
    "Outcome",
    "OutcomeKind",
    "Reading",
    "Relay",
    "RelayRefused",
    "RelayUnavailable",
    "Security",
    "SmtpCarrier",
    "Stage",
    "Timeouts",
    "TokenFile",
    "abandoned",
    "deliver",
    "is_about_connections",
    "is_of_the_relay",
    "lasts_long",
    "pattern_of",
    "read_answer",
    "read_outcome",
]
