"""Where mail is handed to, and how long we are ready to wait there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from mailer.foundation.errors import Invalid

Security = Literal["none", "starttls", "tls"]

_HELO_NAME: Final = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds of patience for each answer: the minima of RFC 5321 §4.5.3.2 (E-094).

    `dot` must not be shortened in service: a relay that is still thinking when we leave
    makes doubles. `reconnect` is the first wait before a failed connection is tried again;
    it doubles up to `reconnect_most`.
    """

    connect: float = 60.0
    tls: float = 60.0
    greeting: float = 300.0
    command: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    quit: float = 5.0
    reconnect: float = 1.0
    reconnect_most: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The mail server that takes our mail; its certificate is always verified.

    `token` gives a fresh OAuth 2 access token each time it is asked; it takes the place of the
    password. `chunking` allows BDAT where the relay offers it. After `mails_per_connection` mails a
    connection is given up for a new one; 0 means never.
    `ca_file` replaces the system's authorities. With `security` "starttls" a relay that
    does not offer it is not used at all. Raises Invalid if `helo_name` is no single ASCII word.
    """

    host: str
    port: int
    security: Security
    username: str | None
    password: str | None = field(repr=False)
    helo_name: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    ca_file: str | None = None
    chunking: bool = True
    mails_per_connection: int = 0
    token: Callable[[], str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if _HELO_NAME.fullmatch(self.helo_name) is None:
            raise Invalid(f"{self.helo_name!r} cannot be our name in EHLO.")

    @property
    def name(self) -> str:
        """The relay as outcomes name it: "host:port"."""
        return f"{self.host}:{self.port}"
