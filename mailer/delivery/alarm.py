"""When to stop by ourselves: too many dead addresses, a row of objections, mails that cannot be made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailer.delivery.outcomes import is_about_policy, is_about_the_address
from mailer.transport import Outcome, OutcomeKind

FIRST_LOOK = 100  # answers before the share of dead addresses says anything
MOST_DEAD = 0.05  # E-092
MOST_OBJECTIONS = 20  # 5.7.x in a row from one destination
MOST_UNRENDERABLE = 20  # in a row


@dataclass(slots=True)
class Run:
    """How many objections came in a row at last, and whether anything else came before them."""

    length: int = 0
    is_broken: bool = False


@dataclass(slots=True)
class Heard:
    """What one worker heard since it last told the others."""

    answers: int = 0
    dead: int = 0
    objections: dict[str, Run] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.answers


@dataclass(frozen=True, slots=True)
class Everywhere:
    """What all workers together heard, as last told; objections in a row by destination."""

    answers: int = 0
    dead: int = 0
    objections: Mapping[str, int] = field(default_factory=dict)


class Alarm:
    """Counts what is answered of one campaign since it began or was last paused by an alarm.

    One worker's answers count at once, those of the others as soon as they are told.
    """

    def __init__(self) -> None:
        self._heard = Heard()
        self._telling = Heard()  # taken to be told to the others, and not yet told
        self._all = Everywhere()
        self._objecting: set[str] = set()  # destinations that objected lately
        self._last = ""
        self._unrenderable = 0

    def hear(self, outcome: Outcome, destination: str = "") -> str | None:
        """Count an outcome; the sentence to pause the campaign with, or None."""
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._heard.answers += 1
            if destination in self._objecting:
                self._break(destination)
            return self._judge_dead() if self._dead else None
        if outcome.kind is not OutcomeKind.REFUSED:
            return None
        self._heard.answers += 1
        self._heard.dead += is_about_the_address(outcome)
        if is_about_policy(outcome):
            self._objecting.add(destination)
            self._heard.objections.setdefault(destination, Run()).length += 1
            self._last = f"{outcome.code} {outcome.text}"
        elif destination in self._objecting:
            self._break(destination)
        return self._judge_dead() or self._judge_objections(destination)

    def take_heard(self) -> Heard:
        """What was heard since this was last asked; it is told to the others until `hear_of_all`."""
        self._telling, self._heard = self._heard, Heard()
        return self._telling

    def hear_of_all(self, everywhere: Everywhere) -> str | None:
        """What all heard, this worker included; the sentence to pause the campaign with, or None."""
        objections = {**self._all.objections, **everywhere.objections}
        self._all = Everywhere(everywhere.answers, everywhere.dead, objections)
        self._telling = Heard()
        reasons = (self._judge_objections(one) for one in everywhere.objections)
        return self._judge_dead() or next((reason for reason in reasons if reason), None)

    def rendered(self) -> None:
        """A mail could be made."""
        self._unrenderable = 0

    def not_rendered(self, because: str) -> str | None:
        """A mail could not be made; the sentence to pause the campaign with, or None."""
        self._unrenderable += 1
        if self._unrenderable <= MOST_UNRENDERABLE:
            return None
        return f"Paused: the mail could not be made for {self._unrenderable} people in a row. {because}"

    def _break(self, destination: str) -> None:
        self._heard.objections[destination] = Run(is_broken=True)
        self._objecting.discard(destination)

    @property
    def _dead(self) -> int:
        return self._all.dead + self._telling.dead + self._heard.dead

    def _judge_dead(self) -> str | None:
        answers = self._all.answers + self._telling.answers + self._heard.answers
        dead = self._dead
        if answers < FIRST_LOOK or dead <= MOST_DEAD * answers:
            return None
        return (
            f"Paused: {round(100 * dead / answers)} % of the addresses do not exist any more ({dead} of "
            f"{answers}). Going on would harm your reputation as a sender. "
            "Please check where these addresses come from."
        )

    def _judge_objections(self, destination: str) -> str | None:
        in_a_row = self._count_objections(destination)
        if in_a_row < MOST_OBJECTIONS:
            return None
        where = f" at {destination}" if destination else ""
        return (
            f"Paused: the last {in_a_row} mails{where} were refused as a matter of policy. "
            f"The answer was: {self._last or 'not kept here; see the refusals below.'}"
        )

    def _count_objections(self, destination: str) -> int:
        """How many objections of a destination came in a row, back to the last mail that it took."""
        in_a_row = 0
        for heard in (self._heard, self._telling):
            run = heard.objections.get(destination, Run())
            in_a_row += run.length
            if run.is_broken:
                return in_a_row
        return in_a_row + self._all.objections.get(destination, 0)
