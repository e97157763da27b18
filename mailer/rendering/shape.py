"""What of a campaign's mail is the same for everybody, and on which values the rest depends.

Found by looking at the checked expressions, not by trying. Not everything can be written piece by
piece: a link that is changed or compared, a link in the subject, loops without measure. Such a
campaign is sent the ordinary way, and `why_slow` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailer.foundation.errors import Invalid
from mailer.rendering.blocks import Block, block_expressions, most_block_turns
from mailer.rendering.campaign import CompiledContent
from mailer.rendering.footer import CLICKS, STOP, SUBJECT, WHY
from mailer.rendering.running import (
    MAX_OUTPUT,
    STEP_COST,
    Program,
    Run,
    Step,
    expressions_of,
    most_turns_of,
    run_program,
)
from mailer.rendering.text_part import RULE, paragraphs_of
from mailer.rendering.tree import Expression, Scope

_LINKS = frozenset({"campaign.unsubscribe_url", "campaign.preferences_url", CLICKS, STOP})
_SUBJECTS = frozenset({SUBJECT, "campaign.subject"})


class CannotSplice(Invalid):
    """The mail cannot be written piece by piece; the message says why."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A part that is made anew when one of the values it names is another.

    Without names it is the same for everybody. `names` are `contact.…` and the footer's reason.
    """

    names: frozenset[str]
    write: Callable[[Scope], str]
    has_links: bool
    has_subject: bool
    has_turns: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The subject and both parts of a mail, as text and units in turn."""

    subject: Unit
    text: list[str | Unit]
    html: list[str | Unit]


def why_slow(content: CompiledContent) -> str:
    """Say why the content cannot be sent the quick way; empty when it can."""
    try:
        find_shape(content)
    except CannotSplice as reason:
        return str(reason)
    return ""


def find_shape(content: CompiledContent) -> Shape:
    """Return the mail's parts with what they depend on. Raises CannotSplice."""
    turns = max(
        most_turns_of(content.html),
        most_block_turns(content.blocks) + most_turns_of(content.preheader),
    )
    if turns * STEP_COST > MAX_OUTPUT // 2:
        raise CannotSplice("its loops may become very long")
    subject = _unit(
        expressions_of(content.subject),
        lambda scope: _run(content.subject, scope).strip(),
        frozenset(),
        has_turns=False,
    )
    if subject.has_links:
        raise CannotSplice("its subject holds a link")
    names = subject.names
    html = [part if isinstance(part, str) else _step_unit(part, names) for part in content.html]
    text: list[str | Unit] = []
    if content.preheader:
        text.append(_preheader_unit(content.preheader, names))
    text += [_block_unit(block, names) for block in content.blocks]
    if content.footer:
        text.append(f"{RULE}\n\n")
        text += [_block_unit(block, names) for block in content.footer]
    return Shape(subject, text, html)


def _unit(
    expressions: Iterable[Expression],
    write: Callable[[Scope], str],
    subject_names: frozenset[str],
    *,
    has_turns: bool,
) -> Unit:
    names: set[str] = set()
    has_links = has_subject = False
    for expression in expressions:
        for name in expression.uses:
            if name in _SUBJECTS:
                names |= subject_names
                has_subject = True
            elif name in _LINKS:
                has_links = True
                if not expression.is_bare:
                    raise CannotSplice(
                        "it changes or compares the link to unsubscribe or to the preferences"
                    )
            elif name == WHY or name.startswith("contact."):
                names.add(name)
    return Unit(frozenset(names), write, has_links, has_subject, has_turns)


def _step_unit(step: Step, subject_names: frozenset[str]) -> Unit:
    def write(scope: Scope) -> str:
        run = Run(scope)
        step(run)
        return "".join(run.out)

    turns = step.most_turns()
    return _unit(step.expressions(), write, subject_names, has_turns=turns > 0)


def _block_unit(block: Block, subject_names: frozenset[str]) -> Unit:
    blocks = [block]

    def write(scope: Scope) -> str:
        paragraphs = paragraphs_of(blocks, Run(scope))
        return "".join("\n".join(lines) + "\n\n" for lines in paragraphs)

    turns = most_block_turns(blocks)
    return _unit(block_expressions(blocks), write, subject_names, has_turns=turns > 0)


def _preheader_unit(program: Program, subject_names: frozenset[str]) -> Unit:
    def write(scope: Scope) -> str:
        line = " ".join(_run(program, scope).split())
        return f"{line}\n\n" if line else ""

    turns = most_turns_of(program)
    return _unit(expressions_of(program), write, subject_names, has_turns=turns > 0)


def _run(program: Program, scope: Scope) -> str:
    run = Run(scope)
    run_program(program, run)
    return "".join(run.out)
