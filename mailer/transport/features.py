"""What the relay offers in its EHLO reply (pure)."""

from __future__ import annotations

from typing import Final, NamedTuple

from mailer.transport.replies import Reply


class Features(NamedTuple):
    """What the last EHLO on this connection offered; nothing else is ever used (E-048)."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    starttls: bool = False
    chunking: bool = False
    has_size: bool = False
    most_octets: int = 0  # 0: no limit named (RFC 1870)
    auth: frozenset[str] = frozenset()


NOTHING: Final = Features()


def read_features(reply: Reply) -> Features:
    """The features named in an EHLO reply, whose first line is only a greeting (§4.1.1.1)."""
    offers: dict[str, list[str]] = {}
    auth: set[str] = set()
    for line in reply.lines[1:]:
        words = line.decode("ascii", "replace").upper().split()
        if not words:
            continue
        offers[words[0]] = words[1:]
        if words[0] == "AUTH":
            auth.update(words[1:])
        elif words[0].startswith("AUTH="):  # the form of old Exchange servers
            auth.update([words[0][5:], *words[1:]])
    size = offers.get("SIZE", [])
    return Features(
        pipelining="PIPELINING" in offers,
        eight_bit="8BITMIME" in offers,
        smtputf8="SMTPUTF8" in offers,
        starttls="STARTTLS" in offers,
        chunking="CHUNKING" in offers,
        has_size="SIZE" in offers,
        most_octets=int(size[0]) if size and size[0].isdigit() and len(size[0]) < 20 else 0,
        auth=frozenset(auth),
    )
