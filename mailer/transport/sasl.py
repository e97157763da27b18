"""Signing in at a relay: what we say in AUTH, answer by answer (pure; RFC 4954).

PLAIN (RFC 4616) and LOGIN carry a password, OAUTHBEARER (RFC 7628) and XOAUTH2 an OAuth 2 access token.
A relay that refuses a token may first send a challenge that says why; it wants an answer to that
before it gives its reply.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Final

LONGEST_COMMAND: Final = 512  # octets with CRLF; a longer first answer waits to be asked for (§4)
MOST_REASON: Final = 100


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A way to sign in: its name, what we say in turn, and what to say to an error challenge."""

    name: str
    answers: tuple[bytes, ...]
    begins: bool  # whether the first answer may go with the command
    to_refusal: bytes | None = None

    @property
    def command(self) -> bytes:
        """The AUTH command, with the first answer where that may be."""
        command = f"AUTH {self.name}".encode("ascii")
        if self.begins:
            whole = b"%b %b\r\n" % (command, b64encode(self.answers[0]))
            if len(whole) <= LONGEST_COMMAND:
                return whole
        return command + b"\r\n"


def with_password(username: str, password: str, offered: frozenset[str]) -> Mechanism | None:
    """PLAIN, else LOGIN; None if neither is offered."""
    if "PLAIN" in offered:
        return Mechanism("PLAIN", (f"\0{username}\0{password}".encode(),), begins=True)
    if "LOGIN" in offered:
        return Mechanism("LOGIN", (username.encode(), password.encode()), begins=False)
    return None


def with_token(
    username: str, token: str, host: str, port: int, offered: frozenset[str]
) -> Mechanism | None:
    """OAUTHBEARER, else XOAUTH2; None if neither is offered."""
    if "OAUTHBEARER" in offered:
        name = username.replace("=", "=3D").replace(",", "=2C")
        said = f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01"
        return Mechanism("OAUTHBEARER", (said.encode(),), begins=True, to_refusal=b"\x01")
    if "XOAUTH2" in offered:
        said = f"user={username}\x01auth=Bearer {token}\x01\x01"
        return Mechanism("XOAUTH2", (said.encode(),), begins=True, to_refusal=b"")
    return None


def reason_in(challenge: bytes) -> str:
    """What an error challenge says, such as "invalid_token"; "" when it says nothing readable."""
    try:
        said = json.loads(b64decode(challenge, validate=True))
        status = str(said.get("status", ""))
    except (NotBase64, ValueError, AttributeError, RecursionError):
        return ""
    return status[:MOST_REASON] if status.isprintable() else ""
