"""The HTML part: a tree becomes a program whose values are escaped for where they stand (S-062)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape

from mailer.foundation.errors import Invalid
from mailer.rendering.building import VOID
from mailer.rendering.expressions import is_true
from mailer.rendering.links import is_safe_target, quote_address, quote_part
from mailer.rendering.running import (
    MAX_ITEMS,
    Program,
    Run,
    Show,
    Step,
    ValueStep,
    expressions_of,
    join_literals,
    most_turns_of,
    run_program,
    spend_turn,
    static_size,
    take_items,
)
from mailer.rendering.tree import Choice, Element, Expression, Node, Output, Place, Repeat, Text
from mailer.rendering.words import Words

Lead = Callable[[list[Text | Output]], list[Text | Output]]
LINK_NAMES = frozenset(
    {"campaign.unsubscribe_url", "campaign.preferences_url", "organisation.privacy_notice_url"}
)
_TEXT_STYLES: Mapping[str, str] = {
    "p": "margin:0 0 16px",
    "h1": "margin:0 0 16px;font-size:28px;line-height:1.25;font-weight:600",
    "h2": "margin:24px 0 12px;font-size:20px;line-height:1.3;font-weight:600",
    "h3": "margin:24px 0 8px;font-size:16px;line-height:1.5;font-weight:600",
    "ul": "margin:0 0 16px;padding:0;padding-{start}:24px",
    "ol": "margin:0 0 16px;padding:0;padding-{start}:24px",
    "li": "margin:0 0 4px",
    "blockquote": "margin:0 0 16px;padding-{start}:16px;border-{start}:3px solid #8a94a3",
    "pre": "margin:0 0 16px;white-space:pre-wrap;font-family:ui-monospace,Menlo,Consolas,monospace",
    "code": "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:15px",
    "hr": "margin:24px 0;border:0;border-top:1px solid #8a94a3",
    "table": "margin:0 0 16px;border-collapse:collapse",
    "th": "padding:8px 0;padding-{end}:12px;border-bottom:1px solid #8a94a3;text-align:{start}",
    "td": "padding:8px 0;padding-{end}:12px;border-bottom:1px solid #8a94a3;vertical-align:top",
    "img": "max-width:100%;height:auto",
}


def show_in_html(value: str) -> str:
    """Return a value as HTML text; its line ends become breaks."""
    return escape(value, quote=False).replace("\n", "<br>")


def show_in_attribute(value: str) -> str:
    """Return a value for a quoted attribute."""
    return escape(value).replace("\n", " ")


def address_steps(parts: list[Text | Output], words: Words) -> list[str | Step]:
    """Return the parts of a link's target; a value that begins it must be a safe address."""
    steps: list[str | Step] = []
    for index, part in enumerate(parts):
        if isinstance(part, Text):
            steps.append(quote_address(part.text))
        elif index == 0:
            steps.append(ValueStep(part, _whole_address(part), words))
        else:
            steps.append(ValueStep(part, quote_part, words))
    return steps


def _whole_address(output: Output) -> Show:
    place, name = output.place, output.name

    def show(value: str) -> str:
        address = value.strip()
        if not is_safe_target(address):
            sentence = f"Line {place.line}: {name} is not an address a link can lead to."
            raise Invalid(sentence, {place.field: sentence})
        return quote_address(address)

    return show


class HtmlWriter:
    """Makes the programs of the HTML part.

    With a `direction` (ltr or rtl), elements without a style of their own are given our look.
    `lead` gives each link the target it has in this mail.
    """

    def __init__(
        self, words: Words, direction: str | None = None, lead: Lead | None = None
    ) -> None:
        self.words = words
        self.lead = lead
        start, end = ("right", "left") if direction == "rtl" else ("left", "right")
        self.styles = {
            tag: style.format(start=start, end=end)
            for tag, style in (_TEXT_STYLES.items() if direction else ())
        }

    def compile(self, nodes: list[Node]) -> Program:
        """Return the program that writes the nodes as HTML, every value escaped for its place."""
        return join_literals(self._all(nodes, in_link=False))

    def _all(self, nodes: list[Node], *, in_link: bool) -> list[str | Step]:
        return [part for node in nodes for part in self._one(node, in_link=in_link)]

    def _one(self, node: Node, *, in_link: bool) -> list[str | Step]:
        match node:
            case Text():
                return [escape(node.text, quote=False)]
            case Output():
                return self._output(node, in_link=in_link)
            case Element():
                return self._element(node, in_link=in_link)
            case Choice():
                branches = [
                    (branch.condition, join_literals(self._all(branch.children, in_link=in_link)))
                    for branch in node.branches
                ]
                return [ChoiceStep(branches, node.place)]
            case Repeat():
                program = join_literals(self._all(node.children, in_link=in_link))
                return [RepeatStep(node, program)]

    def _output(self, node: Output, *, in_link: bool) -> list[str | Step]:
        text = ValueStep(node, show_in_html, self.words)
        if in_link or node.name not in LINK_NAMES:
            return [text]
        target = ValueStep(node, lambda value: escape(_whole_address(node)(value)), self.words)
        return ['<a href="', target, '">', text, "</a>"]

    def _element(self, node: Element, *, in_link: bool) -> list[str | Step]:
        parts: list[str | Step] = [f"<{node.tag}"]
        for name, value in node.attributes.items():
            parts += [f' {name}="', *self._attribute(name, value), '"']
        style = self.styles.get(node.tag)
        if style and "style" not in node.attributes:
            parts.append(f' style="{style}"')
        if node.tag == "img" and "alt" not in node.attributes:
            parts.append(' alt=""')
        parts.append(">")
        if node.tag not in VOID:
            parts += self._all(node.children, in_link=in_link or node.tag == "a")
            parts.append(f"</{node.tag}>")
        return parts

    def _attribute(self, name: str, value: list[Text | Output]) -> list[str | Step]:
        if name in {"href", "src"}:
            if name == "href" and self.lead is not None:
                value = self.lead(value)
            parts = address_steps(value, self.words)
            return [escape(one) if isinstance(one, str) else EscapedStep(one) for one in parts]
        return [
            escape(part.text)
            if isinstance(part, Text)
            else ValueStep(part, show_in_attribute, self.words)
            for part in value
        ]


class EscapedStep(Step):
    """Writes what another step writes, escaped for a quoted attribute."""

    __slots__ = ("inner",)

    def __init__(self, inner: Step) -> None:
        self.inner = inner

    def __call__(self, run: Run) -> None:
        """Write it, escaped."""
        self.inner(run)
        run.out[-1] = escape(run.out[-1])

    def expressions(self) -> Iterator[Expression]:
        """Go through what the inner step computes."""
        return self.inner.expressions()

    def most_turns(self) -> int:
        """Return the turns of the inner step."""
        return self.inner.most_turns()


class ChoiceStep(Step):
    """Runs the first branch whose condition holds."""

    __slots__ = ("branches", "place")

    def __init__(self, branches: list[tuple[Expression | None, Program]], place: Place) -> None:
        self.branches = [
            (condition, program, static_size(program)) for condition, program in branches
        ]
        self.place = place

    def __call__(self, run: Run) -> None:
        """Write the branch that was chosen."""
        for condition, program, size in self.branches:
            if condition is None or is_true(condition(run.scope)):
                spend_turn(run, size, self.place)
                run_program(program, run)
                return

    def expressions(self) -> Iterator[Expression]:
        """Go through conditions and branches."""
        for condition, program, _ in self.branches:
            if condition is not None:
                yield condition
            yield from expressions_of(program)

    def most_turns(self) -> int:
        """Return one more than the branch with the most turns."""
        return 1 + max(most_turns_of(program) for _, program, _ in self.branches)


class RepeatStep(Step):
    """Runs the program once for each item."""

    __slots__ = ("program", "repeat", "size")

    def __init__(self, repeat: Repeat, program: Program) -> None:
        self.repeat = repeat
        self.program = program
        self.size = static_size(program)

    def __call__(self, run: Run) -> None:
        """Write all items."""
        repeat = self.repeat
        for item in take_items(repeat.evaluate(run.scope), repeat.name, repeat.place):
            spend_turn(run, self.size, repeat.place)
            run.scope[repeat.variable] = item
            run_program(self.program, run)

    def expressions(self) -> Iterator[Expression]:
        """Go through the list and what is made of each item."""
        yield self.repeat.evaluate
        yield from expressions_of(self.program)

    def most_turns(self) -> int:
        """Return the turns of as many items as a loop may have."""
        return MAX_ITEMS * (1 + most_turns_of(self.program))
