"""What an outcome of the relay means for a delivery. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from mailer.delivery.states import DeliveryState, SkipReason
from mailer.transport import (
    ABOUT_US,
    CERTAIN,
    FOR_NOW,
    About,
    Outcome,
    OutcomeKind,
    is_of_the_relay,
    pattern_of,
    read_answer,
    read_outcome,
)

LONGEST_REPLY = 2_000
LOST = "The sending process ended before the answer came."
VANISHED = "The sending process was lost, and nothing tells how far it came."
_GAVE_UP = re.compile(r"Gave up after \d+ tries\. The last answer was: ")
# When a mail is offered again after the relay wanted less: it was no try.
AGAIN_AT_THE_RELAY = timedelta(seconds=1)
AGAIN_AT_A_DESTINATION = timedelta(seconds=5)  # which rests for longer when it goes on
_NOT_OURS = frozenset({About.ADDRESS, About.MAILBOX, About.GREYLISTED})


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
    may_come_back: bool = False  # refused, but in words that may be about us


def wants_less(outcome: Outcome) -> bool:
    """Whether the relay would take this mail later, or when fewer come: no try, whatever its code says."""
    return (
        outcome.kind in (OutcomeKind.DEFERRED, OutcomeKind.REFUSED)
        and read_outcome(outcome).about in FOR_NOW
    )


def series_of(code: int, text: str, stage: str = "", enhanced: str | None = None) -> str:
    """What makes answers to several people the same one; empty where they are about the person.

    Answers about us that say so are the same whatever their words; of others the words count.
    """
    about, is_said = read_answer(code, text, stage, enhanced)
    if about in _NOT_OURS and (is_said or not text):
        return ""
    if not is_said or about in (About.POLICY, About.UNKNOWN, About.MESSAGE):
        return pattern_of(code, text)
    return about.value


def result_of(
    delivery_id: int,
    attempts: int,
    outcome: Outcome,
    *,
    first_tried_at: datetime | None = None,
    batch_id: int = 0,
    retries: Retries = Retries(),
    again: timedelta | None = None,
) -> Result:
    """The result of `outcome` for a delivery that was tried `attempts` times before, first at that time.

    With `again` the relay as a whole wants us slower: the mail comes back uncounted after that time.

    A 4xx is tried again after 30 minutes times 2 to the n, at most 4 hours apart, until the time to give up
    has come (E-085); nothing is ever tried again after a 5xx (E-084) or an unknown end (E-093). A refusal
    of the sender, an answer about our pace or quota, and what was not sent come back uncounted.
    """
    kind = outcome.kind
    text = outcome.text[:LONGEST_REPLY]
    if kind is OutcomeKind.ACCEPTED:
        accepted = DeliveryState.ACCEPTED
        at, code = outcome.at, outcome.code
        return Result(delivery_id, accepted, at, None, None, True, code, text, batch_id)
    if kind is OutcomeKind.UNSENT or is_about_the_sender(outcome):
        return unsent(delivery_id, outcome.at, batch_id=batch_id)
    tried_at = first_tried_at or outcome.at
    if (again or wants_less(outcome)) and outcome.at <= tried_at + retries.give_up:
        return _put_off(delivery_id, outcome, batch_id, again)
    state, due_at = DeliveryState(kind.value), None
    if kind is OutcomeKind.DEFERRED:
        due_at = retries.next_after(outcome.at, attempts, tried_at)
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
        may_come_back=_may_come_back(outcome),
    )


def _may_come_back(outcome: Outcome) -> bool:
    """Whether a refusal may turn out to be about us, for many get the same one."""
    if outcome.code is None or outcome.kind is OutcomeKind.UNCERTAIN:
        return False
    if outcome.kind is OutcomeKind.DEFERRED:
        return read_outcome(outcome).about in CERTAIN
    return series_of(outcome.code, outcome.text, outcome.stage, outcome.enhanced) != ""


def _put_off(delivery_id: int, outcome: Outcome, batch_id: int, again: timedelta | None) -> Result:
    """The result of a mail that comes back soon and uncounted, with the answer kept."""
    if again is None:
        again = AGAIN_AT_THE_RELAY if is_of_the_relay(outcome) else AGAIN_AT_A_DESTINATION
    return Result(
        delivery_id,
        DeliveryState.PLANNED,
        outcome.at,
        due_at=outcome.at + again,
        is_try=False,
        reply_code=outcome.code,
        reply_text=outcome.text[:LONGEST_REPLY],
        batch_id=batch_id,
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
    """Whether the relay says that there is no such mailbox (E-083): by the words first, then by the code."""
    if outcome.kind is not OutcomeKind.REFUSED or outcome.stage in ("mail", "local"):
        return False
    return read_outcome(outcome).about is About.ADDRESS


def is_about_policy(outcome: Outcome) -> bool:
    """Whether the relay objects to us or our mail as such (5.7.x, E-082)."""
    is_refused = outcome.kind is OutcomeKind.REFUSED
    return (
        is_refused
        and (outcome.enhanced or "").startswith("5.7.")
        and not is_about_the_address(outcome)
    )


def is_about_us(code: int | None, text: str) -> bool:
    """Whether a refusal that was kept speaks of us or our mail, not of the reader's mailbox (E-082).

    `code` is None where our own relay could not be given the mail at all.
    """
    if code is None:
        return True
    return read_answer(code, _GAVE_UP.sub("", text)).about in ABOUT_US


def asks_to_wait(outcome: Outcome) -> bool:
    """Whether the answer to a mail says that its destination wants us slower: 421, 4.7.x or words (E-065)."""
    if outcome.stage not in ("rcpt", "data", "body") or outcome.code is None:
        return False
    about = read_outcome(outcome).about
    if outcome.kind is OutcomeKind.ACCEPTED or about in _NOT_OURS:
        return False
    is_temporary = outcome.code // 100 == 4 and (outcome.enhanced or "").startswith("4.7.")
    return outcome.code == 421 or is_temporary or about in FOR_NOW
