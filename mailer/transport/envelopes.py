"""One mail to one recipient, checked before anything is sent (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Self

from mailer.foundation.errors import Invalid

LONGEST_LINE: Final = 998  # octets without CRLF (RFC 5322 §2.1.1)

_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_DOT_AHEAD: Final = re.compile(rb"\n\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One mail to one recipient (E-049), as the composer hands it over.

    `key` is our id for it: letters, digits and hyphens. `mail_from` may be "" for the null
    return path. `body` is the complete RFC 5322 message with CRLF lines of at most
    998 octets, not yet dot-stuffed. Raises Invalid for a key or a body that breaks
    this (E-001): a bare CR or LF would let a mail smuggle in another one.
    """

    key: str
    mail_from: str
    rcpt_to: str
    body: bytes = field(repr=False)
    has_dots: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if _KEY.fullmatch(self.key) is None:
            raise Invalid(f"The key {self.key!r} of a mail may hold letters, digits and hyphens.")
        body = self.body
        if not body:
            raise Invalid(f"The mail {self.key} has no body.")
        # Quicker than any search for a CR or an LF that stands alone.
        if body.replace(b"\r", b"").replace(b"\n", b"\r\n") != body:
            raise Invalid(f"The mail {self.key} holds a bare CR or LF.")
        if _has_long_line(body):
            raise Invalid(f"The mail {self.key} holds a line of more than 998 octets.")
        has_dots = body.startswith(b".") or _DOT_AHEAD.search(body) is not None
        object.__setattr__(self, "has_dots", has_dots)

    @classmethod
    def spliced(cls, *, key: str, mail_from: str, rcpt_to: str, body: bytes) -> Self:
        """The same for a composer that answers for the body: nothing of it is looked at again.

        For mails put together from pieces that are whole CRLF lines of at most 998 octets, none
        beginning with a dot, each checked when it was made (E-001). Looking at 10 KB costs as
        much as sending them. A body that does not end in CRLF is checked as usual. Raises Invalid.
        """
        if _KEY.fullmatch(key) is None or not body.endswith(b"\r\n"):
            return cls(key=key, mail_from=mail_from, rcpt_to=rcpt_to, body=body)
        envelope = object.__new__(cls)
        put = object.__setattr__
        put(envelope, "key", key)
        put(envelope, "mail_from", mail_from)
        put(envelope, "rcpt_to", rcpt_to)
        put(envelope, "body", body)
        put(envelope, "has_dots", False)
        return envelope


def _has_long_line(body: bytes) -> bool:
    """Whether a line exceeds 998 octets; leaps from line end to line end, a thousand at a time."""
    start, length = 0, len(body)
    while length - start > LONGEST_LINE:
        end = body.rfind(b"\n", start, start + LONGEST_LINE + 2)
        if end < 0:
            return True
        start = end + 1
    return False
