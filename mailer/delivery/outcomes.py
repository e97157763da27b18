"""What an outcome of the relay means for a delivery. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.delivery.states import DeliveryState, SkipReason
from mailer.transport import Outcome, OutcomeKind

MOST_TRIES = 5
FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=4)
LONGEST_REPLY = 2_000
LOST = "The sending process ended before the answer came."
VANISHED = "The sending process was lost, and nothing tells how far it came."
# RFC 3463 codes that say something about the address, not about us (E-083).
_ABOUT_THE_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


@dataclass(frozen=True, slots=True)
class Result:
    """What becomes of one claimed delivery."""

    delivery_id: int
    state: DeliveryState
    at: datetime
    skip_reason: SkipReason | None = None
    due_at: datetime | None = None  # when the next try comes; None keeps what stands
    is_try: bool = True  # whether it counts as one of the tries
    reply_code: int | None = None
    reply_text: str = ""


def result_of(delivery_id: int, attempts: int, outcome: Outcome) -> Result:
    """The result of `outcome` for a delivery that was tried `attempts` times before.

    A 4xx is tried again after 5 minutes times 2 to the n, at most 4 hours, five tries in all (E-085);
    nothing is ever tried again after a 5xx (E-084) or an unknown end (E-093). A refusal of the sender
    and what was not sent come back uncounted.
    """
    if outcome.kind is OutcomeKind.UNSENT or is_about_the_sender(outcome):
        return Result(delivery_id, DeliveryState.PLANNED, outcome.at, is_try=False)
    text = outcome.text[:LONGEST_REPLY]
    if outcome.kind is not OutcomeKind.DEFERRED:
        state = DeliveryState(outcome.kind.value)
        return Result(delivery_id, state, outcome.at, reply_code=outcome.code, reply_text=text)
    if attempts + 1 >= MOST_TRIES:
        return Result(
            delivery_id,
            DeliveryState.REFUSED,
            outcome.at,
            reply_code=outcome.code,
            reply_text=f"Gave up after {MOST_TRIES} tries. The last answer was: {text}",
        )
    return Result(
        delivery_id,
        DeliveryState.DEFERRED,
        outcome.at,
        due_at=outcome.at + min(LONGEST_RETRY, FIRST_RETRY * 2**attempts),
        reply_code=outcome.code,
        reply_text=text,
    )


def uncertain(delivery_id: int, at: datetime, text: str = LOST) -> Result:
    """The result of a mail whose fate nobody knows: said so, and not sent again (E-093)."""
    return Result(delivery_id, DeliveryState.UNCERTAIN, at, reply_text=text)


def unrenderable(delivery_id: int, at: datetime, text: str) -> Result:
    """The result for somebody the mail cannot be made for."""
    return Result(
        delivery_id,
        DeliveryState.SKIPPED,
        at,
        skip_reason=SkipReason.UNRENDERABLE,
        is_try=False,
        reply_text=text[:LONGEST_REPLY],
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
