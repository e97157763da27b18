"""The first part of every connection: greeting, EHLO, STARTTLS, AUTH (pure).

EHLO falls back to HELO (RFC 5321 §3.2). What was offered before STARTTLS is forgotten
(RFC 3207 §4.2); credentials are given only where the relay asks for them by name.
"""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from typing import Literal

from mailer.transport.features import NOTHING, Features, read_features
from mailer.transport.relay import Relay
from mailer.transport.replies import Reply
from mailer.transport.sasl import Mechanism, reason_in, with_password, with_token
from mailer.transport.tokens import TokenMissing


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
        self.is_signing_in = False
        self._relay = relay
        self._encrypted = relay.security == "tls"
        self._next: Callable[[Reply], bytes | None] = self._on_greeting
        self._mechanism: Mechanism
        self._answers: deque[bytes]
        self._refusal: str

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
        self.is_signing_in = True
        self._mechanism = self._choose_mechanism()
        command = self._mechanism.command
        has_begun = command.count(b" ") > 1
        self._answers = deque(self._mechanism.answers[has_begun:])
        self._refusal = ""
        self._next = self._on_auth
        return command

    def _choose_mechanism(self) -> Mechanism:
        relay, offered = self._relay, self.features.auth
        if relay.token is None:
            mechanism = with_password(relay.username or "", relay.password or "", offered)
            if mechanism is None:
                raise Failed("credentials", "offers no AUTH method that we know (PLAIN, LOGIN)")
            return mechanism
        try:
            token = relay.token()
        except TokenMissing as missing:
            raise Failed("relay", f"wants an access token, and there is none: {missing}") from None
        mechanism = with_token(relay.username or "", token, relay.host, relay.port, offered)
        if mechanism is None:
            raise Failed("credentials", "takes no access token (OAUTHBEARER, XOAUTH2)")
        return mechanism

    def _on_auth(self, reply: Reply) -> bytes | None:
        mechanism = self._mechanism
        if reply.code == 235:
            return None
        if reply.code == 334 and self._answers:
            return b64encode(self._answers.popleft()) + b"\r\n"
        if reply.code == 334 and mechanism.to_refusal is not None and not self._refusal:
            self._refusal = reason_in(reply.lines[0]) or "no reason given"
            return b64encode(mechanism.to_refusal) + b"\r\n"
        reason = f" ({self._refusal})" if self._refusal else ""
        # An access token runs out and is replaced without us: that is no reason to stop for good.
        is_final = reply.code >= 500 and self._relay.token is None
        raise Failed("credentials" if is_final else "relay", f"answered AUTH with {reply}{reason}")
