"""Running a compiled template: literals and steps in turn, within bounds.

A run that would write more than two million characters ends in Invalid, so a loop within a loop
costs a bounded time (S-061).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from mailer.foundation.errors import Invalid
from mailer.rendering.tree import Expression, Output, Place, Scope
from mailer.rendering.words import Words

MISSING = object()  # stands for a value that is absent, None, empty or blank
MAX_OUTPUT = 2_000_000
STEP_COST = 40  # counts each turn of a loop as this many characters, so empty loops end too
MAX_ITEMS = 100
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")


class Run:
    """One person's rendering: the values, what has been written, and what may still be."""

    __slots__ = ("out", "scope", "size")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.out: list[str] = []
        self.size = 0

    def grow(self, characters: int, place: Place) -> None:
        """Count what is written; raises Invalid beyond two million characters (S-061)."""
        self.size += characters
        if self.size > MAX_OUTPUT:
            raise _invalid(place, "The mail becomes too long here.")


class Step(ABC):
    """A part of a program that writes what depends on values."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, run: Run) -> None:
        """Write one person's part."""

    @abstractmethod
    def expressions(self) -> Iterator[Expression]:
        """Go through everything this computes, inner steps included."""

    @abstractmethod
    def most_turns(self) -> int:
        """Return how many turns of loops and choices this may take at most."""


Program = tuple[str | Step, ...]
Show = Callable[[str], str]


def expressions_of(program: Program) -> Iterator[Expression]:
    """Go through everything a program computes."""
    for part in program:
        if not isinstance(part, str):
            yield from part.expressions()


def most_turns_of(program: Program) -> int:
    """Return how many turns of loops and choices a program may take at most."""
    return sum(part.most_turns() for part in program if not isinstance(part, str))


def run_program(program: Program, run: Run) -> None:
    """Write a program's literals and let its steps write theirs."""
    out = run.out
    for part in program:
        if isinstance(part, str):
            out.append(part)
        else:
            part(run)


def join_literals(parts: Iterable[str | Step]) -> Program:
    """Return the parts with neighbouring literals made one."""
    joined: list[str | Step] = []
    literals: list[str] = []
    for part in parts:
        if isinstance(part, str):
            literals.append(part)
            continue
        joined += ["".join(literals), part]
        literals = []
    joined.append("".join(literals))
    return tuple(part for part in joined if part != "")


def static_size(program: Program) -> int:
    """Return the characters a program writes without its steps."""
    return sum(len(part) for part in program if isinstance(part, str))


class ValueStep(Step):
    """Writes a placeholder's value as `show` makes it safe."""

    __slots__ = ("output", "show", "words")

    def __init__(self, output: Output, show: Show, words: Words) -> None:
        self.output = output
        self.show = show
        self.words = words

    def __call__(self, run: Run) -> None:
        """Write the value; raises Invalid when there is none."""
        place = self.output.place
        value = self.output.evaluate(run.scope)
        if value is MISSING:
            raise _invalid(
                place, f"{self.output.name} is empty for this person and has no default."
            )
        text = self.show(spell(value, self.words, place))
        run.grow(len(text), place)
        run.out.append(text)

    def expressions(self) -> Iterator[Expression]:
        """Go through the one expression."""
        yield self.output.evaluate

    def most_turns(self) -> int:
        """Return 0: a value takes no turn."""
        return 0


def take_items(value: object, name: str, place: Place) -> list[object] | tuple[object, ...]:
    """Return the items a loop goes through: a missing list has none, at most 100 are taken."""
    if value is MISSING:
        return ()
    if not isinstance(value, list | tuple):
        raise _invalid(place, f"{name} is not a list for this person.")
    if len(value) > MAX_ITEMS:
        raise _invalid(place, f"{name} has more than {MAX_ITEMS} items.")
    return value


def spend_turn(run: Run, size: int, place: Place) -> None:
    """Count one turn of a loop or choice that writes `size` literal characters."""
    run.grow(size + STEP_COST, place)


def spell(value: object, words: Words, place: Place) -> str:
    """Return a value as clean text; raises Invalid for a value that is no text, number or list."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool):
        return words.yes if value else words.no
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(spell(item, words, place) for item in value[:MAX_ITEMS])
    raise _invalid(place, "This value cannot be shown as text.")


def clean_text(text: str) -> str:
    """Return text without control and direction-override characters, with plain newlines.

    An override left open in somebody's name would turn the author's words around it.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    return text.encode("utf-8", "replace").decode("utf-8")


def is_missing(value: object) -> bool:
    """Tell whether a value counts as missing: None, blank text, an empty list."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is MISSING or (isinstance(value, list | tuple) and not value)


def _invalid(place: Place, message: str) -> Invalid:
    sentence = f"Line {place.line}: {message}"
    return Invalid(sentence, {place.field: sentence})
