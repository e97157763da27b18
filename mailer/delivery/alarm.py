"""When to stop by ourselves: dead addresses, answers about us, objections, mails that cannot be made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mailer.delivery.advice import why_paused
from mailer.delivery.outcomes import is_about_policy, is_about_the_address, series_of
from mailer.transport import (
    ABOUT_US,
    CERTAIN,
    About,
    Outcome,
    OutcomeKind,
    lasts_long,
    read_outcome,
)

FIRST_LOOK = 100  # answers before the share of dead addresses says anything
MOST_DEAD = 0.05  # E-092
MOST_OBJECTIONS = 20  # 5.7.x in a row from one destination
MOST_UNRENDERABLE = 20  # in a row
MOST_CERTAIN = 3  # answers in a row that only our provider can give, nothing taken between
MOST_ALIKE, MOST_ALIKE_AT_FIRST = 10, 5  # the same answers; fewer while nothing was taken at all
FEWEST_DESTINATIONS = 3  # that answer alike, else MOST_OBJECTIONS are needed


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


@dataclass(frozen=True, slots=True)
class Series:
    """The same answer to several people, nothing taken between: which, since when, and what to say."""

    key: str  # as of `series_of`
    since: datetime
    because: str


@dataclass(slots=True)
class _Alike:
    """The same answer to several people, nothing taken between."""

    since: datetime
    length: int = 0
    destinations: set[str] = field(default_factory=set)


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
        self._alike: dict[str, _Alike] = {}
        self._has_taken = False
        self.series: Series | None = None  # whose people are to be given back, when it rang for one

    def hear(self, outcome: Outcome, destination: str = "") -> str | None:
        """Count an outcome; the sentence to pause the campaign with, or None."""
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._heard.answers += 1
            self._has_taken = True
            if self._alike:
                self._alike.clear()
            if destination in self._objecting:
                self._break(destination)
            return self._judge_dead() if self._dead else None
        alike = self._judge_alike(outcome, destination)
        if outcome.kind is not OutcomeKind.REFUSED or outcome.stage == "mail":
            return alike
        self._heard.answers += 1
        self._heard.dead += is_about_the_address(outcome)
        if is_about_policy(outcome):
            self._objecting.add(destination)
            self._heard.objections.setdefault(destination, Run()).length += 1
            self._last = f"{outcome.code} {outcome.text}"
        elif destination in self._objecting:
            self._break(destination)
        return alike or self._judge_dead() or self._judge_objections_here(destination)

    def take_heard(self) -> Heard:
        """What was heard since this was last asked; it is told to the others until `hear_of_all`."""
        self._telling, self._heard = self._heard, Heard()
        return self._telling

    def hear_of_all(self, everywhere: Everywhere) -> str | None:
        """What all heard, this worker included; the sentence to pause the campaign with, or None."""
        objections = {**self._all.objections, **everywhere.objections}
        self._all = Everywhere(everywhere.answers, everywhere.dead, objections)
        self._telling = Heard()
        reasons = (self._judge_objections_here(one) for one in everywhere.objections)
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

    def _judge_alike(self, outcome: Outcome, destination: str) -> str | None:
        """Count an answer that may be about us; the sentence to pause with, or None."""
        if outcome.code is None or outcome.stage == "local":
            return None
        key = series_of(outcome.code, outcome.text, outcome.stage, outcome.enhanced)
        if not key:
            return None
        about = read_outcome(outcome).about
        alike = self._alike.setdefault(key, _Alike(outcome.at))
        alike.length += 1
        alike.destinations.add(destination)
        if not self._is_about_us(about, outcome, alike):
            return None
        answer = f"{outcome.code} {outcome.text}"
        self.series = Series(key, alike.since, why_paused(about, answer))
        return self.series.because

    def _is_about_us(self, about: About, outcome: Outcome, alike: _Alike) -> bool:
        length, destinations = alike.length, len(alike.destinations)
        is_refused = outcome.kind is OutcomeKind.REFUSED
        if is_refused and outcome.stage == "mail":
            return about is not About.PACE or length >= MOST_OBJECTIONS
        if about is About.QUOTA and not is_refused and not lasts_long(outcome.text):
            return False  # waited for
        if about in (About.QUOTA, About.ACCOUNT):
            return length >= MOST_CERTAIN
        if about in CERTAIN and not self._has_taken:
            return length >= MOST_CERTAIN
        if not is_refused and about not in CERTAIN:
            return False
        if about is About.PACE or destinations < FEWEST_DESTINATIONS:
            may_be_ours = about in ABOUT_US or not self._has_taken
            return length >= MOST_OBJECTIONS and may_be_ours and not is_about_policy(outcome)
        return length >= (MOST_ALIKE if self._has_taken else MOST_ALIKE_AT_FIRST)

    def _judge_objections_here(self, destination: str) -> str | None:
        """The same as `_judge_objections`; where nothing was taken anywhere, its people are given back."""
        because = self._judge_objections(destination)
        if because is not None and self.series is None:
            longest = max(self._alike.items(), key=lambda one: one[1].length, default=None)
            if longest is not None and longest[1].length >= MOST_ALIKE:
                self.series = Series(longest[0], longest[1].since, because)
        return because

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
