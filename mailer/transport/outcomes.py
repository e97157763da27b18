"""What became of one mail, and the table that says so from the relay's reply (pure).

| stage | 2xx      | 3xx | 4xx      | 5xx     |
|-------|----------|-----|----------|---------|
| mail  | go on    | –   | UNSENT   | REFUSED |
| rcpt  | go on    | –   | DEFERRED | REFUSED |
| data  | –        | go  | DEFERRED | REFUSED |
| body  | ACCEPTED | –   | DEFERRED | REFUSED |

A dash is nonsense at that place. 530 before the body asks for credentials (RFC 4954 §6): the mail
is UNSENT, whatever it is. 421 stands outside the table: it ends the connection (RFC 5321
§3.8), whatever it seems to answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

Stage = Literal["connect", "ehlo", "auth", "mail", "rcpt", "data", "body", "local"]


class OutcomeKind(StrEnum):
    """What became of a mail that was handed to the transport."""

    ACCEPTED = "accepted"  # the relay answered 2xx to the final dot: it is the relay's now
    DEFERRED = "deferred"  # this recipient is refused for the moment (4xx)
    REFUSED = "refused"  # this mail is refused for good (5xx), or cannot be put on the wire
    UNCERTAIN = "uncertain"  # its final dot may have arrived, but no answer did (E-093)
    UNSENT = "unsent"  # certainly not sent; may be tried again without counting


@dataclass(slots=True)
class Outcome:
    """What became of the mail `key`; never changed once made.

    `code`, `enhanced` and `text` are the relay's where it spoke, `relay` is "host:port", `at` aware
    UTC; `tls` says whether the connection was encrypted. Stage "local" means that the mail never met the relay.
    """

    key: str
    kind: OutcomeKind
    code: int | None
    enhanced: str | None
    text: str
    relay: str
    at: datetime
    stage: Stage
    tls: bool


class Onward(StrEnum):
    """The two judgements that are no outcome."""

    GO_ON = "go on"
    NONSENSE = "nonsense"


LOGIN_WANTED: Final = 530

_TABLE: Final[dict[tuple[Stage, int], OutcomeKind | Onward]] = {
    ("mail", 2): Onward.GO_ON,
    ("mail", 4): OutcomeKind.UNSENT,
    ("mail", 5): OutcomeKind.REFUSED,
    ("rcpt", 2): Onward.GO_ON,
    ("rcpt", 4): OutcomeKind.DEFERRED,
    ("rcpt", 5): OutcomeKind.REFUSED,
    ("data", 3): Onward.GO_ON,
    ("data", 4): OutcomeKind.DEFERRED,
    ("data", 5): OutcomeKind.REFUSED,
    ("body", 2): OutcomeKind.ACCEPTED,
    ("body", 4): OutcomeKind.DEFERRED,
    ("body", 5): OutcomeKind.REFUSED,
}


def judge(stage: Stage, code: int) -> OutcomeKind | Onward:
    """What the reply `code` means at `stage` of a mail with one recipient (RFC 5321 §4.2.1)."""
    if code == LOGIN_WANTED and stage != "body":
        return OutcomeKind.UNSENT
    return _TABLE.get((stage, code // 100), Onward.NONSENSE)
