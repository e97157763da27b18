"""The first part of every connection: greeting, EHLO, STARTTLS, AUTH (pure).

EHLO falls back to HELO (RFC 5321 §3.2). What was offered before STARTTLS is forgotten
(RFC 3207 §4.2); credentials are given only where the relay asks for them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mailer.transport.features import (
    NOTHING,
    Features,
    login_answer,
    plain_answer,
    read_features,
)
from mailer.transport.relay import Relay
from mailer.transport.replies import Reply


class Failed(Exception):
    """The relay cannot be used; the message ends the sentence "the relay …"."""

    def __init__(self, cause: Literal["relay", "credentials"], reason: str) -> None:
        super().__init__(reason)
        self.cause: Literal["relay", "credentials"] = cause


class Opening:
    """Replies in, commands out, until the relay is ready for mail."""

    def __init__(self, relay: Relay) -> None:
        self.features: Features = NOTHING
        self.wants_tls = False
        self._relay = relay
        self._encrypted = relay.security == "tls"
        self._next: Callable[[Reply], bytes | None] = self._on_greeting

    @property
    def waits_for_greeting(self) -> bool:
        """Whether the relay has not spoken yet."""
        return self._next == self._on_greeting

    def answer(self, reply: Reply) -> bytes | None:
        """The next command, or None when the relay is ready or `wants_tls`. Raises Failed."""
        return self._next(reply)

    def secured(self) -> bytes:
        """What to send after the TLS handshake: nothing before the greeting, else EHLO again."""
        if not self.wants_tls:
            return b""
        self.wants_tls, self._encrypted, self.features = False, True, NOTHING
        return self._ehlo()

    def _ehlo(self) -> bytes:
        self._next = self._on_ehlo
        return f"EHLO {self._relay.helo_name}\r\n".encode("ascii")

    def _on_greeting(self, reply: Reply) -> bytes | None:
        if reply.code != 220:
            raise Failed("relay", f"greeted with {reply}")
        return self._ehlo()

    def _on_ehlo(self, reply: Reply) -> bytes | None:
        if reply.code // 100 == 5:
            self._next = self._on_helo
            return f"HELO {self._relay.helo_name}\r\n".encode("ascii")
        if reply.code != 250:
            raise Failed("relay", f"answered EHLO with {reply}")
        self.features = read_features(reply)
        if not self._relay.chunking:
            self.features = self.features._replace(chunking=False)
        return self._proceed()

    def _on_helo(self, reply: Reply) -> bytes | None:
        if reply.code != 250:
            raise Failed("relay", f"answered HELO with {reply}")
        return self._proceed()

    def _proceed(self) -> bytes | None:
        if self._relay.security == "starttls" and not self._encrypted:
            if not self.features.starttls:
                raise Failed("relay", "does not offer STARTTLS")
            self._next = self._on_starttls
            return b"STARTTLS\r\n"
        return self._authenticate() if self._relay.username is not None else None

    def _on_starttls(self, reply: Reply) -> bytes | None:
        if reply.code != 220:
            raise Failed("relay", f"answered STARTTLS with {reply}")
        self.wants_tls = True
        return None

    def _authenticate(self) -> bytes:
        username, password = self._relay.username or "", self._relay.password or ""
        if "PLAIN" in self.features.auth:
            self._next = self._on_auth
            return b"AUTH PLAIN " + plain_answer(username, password) + b"\r\n"
        if "LOGIN" in self.features.auth:
            self._next = self._on_login
            return b"AUTH LOGIN\r\n"
        raise Failed("credentials", "offers no AUTH method that we know (PLAIN, LOGIN)")

    def _on_login(self, reply: Reply) -> bytes | None:
        self._require_prompt(reply)
        self._next = self._on_username
        return login_answer(self._relay.username or "") + b"\r\n"

    def _on_username(self, reply: Reply) -> bytes | None:
        self._require_prompt(reply)
        self._next = self._on_auth
        return login_answer(self._relay.password or "") + b"\r\n"

    def _require_prompt(self, reply: Reply) -> None:
        if reply.code != 334:
            self._on_auth(reply)
            raise Failed("relay", f"answered AUTH with {reply}")

    def _on_auth(self, reply: Reply) -> bytes | None:
        if reply.code == 235:
            return None
        cause: Literal["relay", "credentials"] = "credentials" if reply.code >= 500 else "relay"
        raise Failed(cause, f"answered AUTH with {reply}")
