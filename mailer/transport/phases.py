"""The words in which a dialogue speaks with its caller (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Cause = Literal["relay", "credentials", "lost", "ours"]
Awaited = Literal["tls", "greeting", "command", "mail", "rcpt", "data", "dot", "block", "quit"]


class Phase(StrEnum):
    """What the dialogue wants from its caller."""

    TALKING = "talking"  # replies are awaited
    TLS = "tls"  # a TLS handshake, then `secured`
    READY = "ready"  # a mail, or `quit`
    BODY = "body"  # a body is asked for: `send_body` or `withhold`
    OVER = "over"  # close the connection; `fault` says why, None after a clean end


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a dialogue ended. `reason` ends the sentence "the relay …".

    `cause`: "relay" its own state, "credentials" it does not take them, "lost" the connection
    went away, "ours" we left on purpose.
    """

    cause: Cause
    reason: str
