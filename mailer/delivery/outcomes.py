"""What an outcome of the relay means for a delivery. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from mailer.delivery.states import DeliveryState, SkipReason
from mailer.transport import Outcome, OutcomeKind

LONGEST_REPLY = 2_000
LOST = "The sending process ended before the answer came."
VANISHED = "The sending process was lost, and nothing tells how far it came."
_GAVE_UP = re.compile(r"Gave up after \d+ tries\. The last answer was: ")
_ENHANCED = re.compile(r"[45]\.(\d{1,3}\.\d{1,3})(?![\d.])")
# What follows the class in RFC 3463 codes that speak of our sending: policy and signing, content, protocol,
# the way to us, our pace and our own address (E-082).
_OURS = re.compile(r"[3567]\.|4\.5$|1\.[78]$")
_PACE = frozenset({421, 432, 454})
_WORDS_OF_OURS = re.compile(
    r"\b(spf|dkim|dmarc|unauthenticated|authenticat\w+|spam|policy|reputation|black ?list\w*|block ?list\w*"
    r"|rbl|dnsbl|relay\w*|sender|rate|limit\w*|throttl\w+|too many|too fast|greylist\w*|suspicious)\b",
    re.IGNORECASE,
)
_WORDS_OF_THE_MAILBOX = re.compile(
    r"\b(mailbox|over ?quota|user unknown|unknown user|no such user)\b", re.IGNORECASE
)
# RFC 3463 codes that say something about the address, not about us (E-083).
_ABOUT_THE_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


@dataclass(frozen=True, slots=True)
class Retries:
    """When a temporary refusal is tried again, and for how long after the first try (E-085)."""

    first: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=4)
    give_up: timedelta = timedelta(hours=48)

    def next_after(self, at: datetime, attempts: int, first_tried_at: datetime) -> datetime | None:
        """The time of the next try after one at `at`, the `attempts`-th before it; None to give up."""
        due = at + min(self.longest, self.first * 2 ** min(attempts, 20))
        return due if due <= first_tried_at + self.give_up else None


class Result(NamedTuple):
    """What becomes of one claimed delivery."""

    delivery_id: int
    state: DeliveryState
    at: datetime
    skip_reason: SkipReason | None = None
    due_at: datetime | None = None  # when the next try comes
    is_try: bool = True  # whether it counts as one of the tries
    reply_code: int | None = None
    reply_text: str = ""
    batch_id: int = 0  # of which it was claimed; 0 when it has an owner of its own
    is_bounce: bool = False  # the relay says that there is no such mailbox


def result_of(
    delivery_id: int,
    attempts: int,
    outcome: Outcome,
    *,
    first_tried_at: datetime | None = None,
    batch_id: int = 0,
    retries: Retries = Retries(),
) -> Result:
    """The result of `outcome` for a delivery that was tried `attempts` times before, first at that time.

    A 4xx is tried again after 30 minutes times 2 to the n, at most 4 hours apart, until the time to give up
    has come (E-085); nothing is ever tried again after a 5xx (E-084) or an unknown end (E-093). A refusal
    of the sender and what was not sent come back uncounted.
    """
    kind = outcome.kind
    if kind is OutcomeKind.ACCEPTED:
        return Result(
            delivery_id,
            DeliveryState.ACCEPTED,
            outcome.at,
            None,
            None,
            True,
            outcome.code,
            outcome.text[:LONGEST_REPLY],
            batch_id,
        )
    if kind is OutcomeKind.UNSENT or is_about_the_sender(outcome):
        return unsent(delivery_id, outcome.at, batch_id=batch_id)
    text = outcome.text[:LONGEST_REPLY]
    state, due_at = DeliveryState(kind.value), None
    if kind is OutcomeKind.DEFERRED:
        due_at = retries.next_after(outcome.at, attempts, first_tried_at or outcome.at)
        if due_at is None:
            state = DeliveryState.REFUSED
            text = f"Gave up after {attempts + 1} tries. The last answer was: {text}"
    return Result(
        delivery_id,
        state,
        outcome.at,
        due_at=due_at,
        reply_code=outcome.code,
        reply_text=text,
        batch_id=batch_id,
        is_bounce=is_about_the_address(outcome),
    )


def unsent(
    delivery_id: int, at: datetime, *, batch_id: int = 0, due_at: datetime | None = None
) -> Result:
    """The result of a mail that was certainly not sent: planned again, at `due_at` or now."""
    return Result(
        delivery_id,
        DeliveryState.PLANNED,
        at,
        due_at=due_at or at,
        is_try=False,
        batch_id=batch_id,
    )


def uncertain(delivery_id: int, at: datetime, text: str = LOST, *, batch_id: int = 0) -> Result:
    """The result of a mail whose fate nobody knows: said so, and not sent again (E-093)."""
    return Result(delivery_id, DeliveryState.UNCERTAIN, at, reply_text=text, batch_id=batch_id)


def unrenderable(delivery_id: int, at: datetime, text: str, batch_id: int = 0) -> Result:
    """The result for somebody the mail cannot be made for."""
    return Result(
        delivery_id,
        DeliveryState.SKIPPED,
        at,
        skip_reason=SkipReason.UNRENDERABLE,
        is_try=False,
        reply_text=text[:LONGEST_REPLY],
        batch_id=batch_id,
    )


def is_about_the_sender(outcome: Outcome) -> bool:
    """Whether the relay refuses us, not this recipient: a 5xx to MAIL."""
    return outcome.kind is OutcomeKind.REFUSED and outcome.stage == "mail"


def is_about_the_address(outcome: Outcome) -> bool:
    """Whether the relay says that there is no such mailbox (E-083)."""
    if outcome.kind is not OutcomeKind.REFUSED or outcome.stage in ("mail", "local"):
        return False
    if outcome.enhanced is None:
        return outcome.code == 550 and outcome.stage == "rcpt"
    return outcome.enhanced in _ABOUT_THE_ADDRESS


def is_about_policy(outcome: Outcome) -> bool:
    """Whether the relay objects to us or our mail as such (5.7.x, E-082)."""
    return outcome.kind is OutcomeKind.REFUSED and (outcome.enhanced or "").startswith("5.7.")


def is_about_us(code: int | None, text: str) -> bool:
    """Whether a refusal that was kept speaks of us or our mail, not of the reader's mailbox (E-082).

    `code` is None where our own relay could not be given the mail at all.
    """
    said = _GAVE_UP.sub("", text)
    if code is None:
        return True
    enhanced = _ENHANCED.match(said)
    if enhanced is not None:
        return bool(_OURS.match(enhanced[1]))
    if code in _PACE:
        return True
    return bool(_WORDS_OF_OURS.search(said)) and not _WORDS_OF_THE_MAILBOX.search(said)


def asks_to_wait(outcome: Outcome) -> bool:
    """Whether the answer to a mail says that its destination wants us slower: 421 or 4.7.x (E-065)."""
    if outcome.stage not in ("rcpt", "data", "body") or outcome.code is None:
        return False
    return outcome.code == 421 or (
        outcome.code // 100 == 4 and (outcome.enhanced or "").startswith("4.7.")
    )
