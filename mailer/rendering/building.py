"""Building the tree: sanitised HTML is walked, and the words in it become the tags they stand for.

A control has to begin and end within one element, so whatever the conditions are, the HTML that
comes out is well formed.
"""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

from mailer.rendering.content import Problem
from mailer.rendering.links import describe_fault
from mailer.rendering.markup import MAX_DEPTH, allowed_value, is_allowed
from mailer.rendering.reading import Control, Reading
from mailer.rendering.tree import (
    Branch,
    Choice,
    Element,
    Expression,
    Node,
    Output,
    Repeat,
    Text,
    child_lists,
)

VOID = frozenset(["br", "col", "hr", "img", "wbr"])
_SHOWN_ATTRIBUTES = frozenset(["href", "src", "alt", "title", "aria-label"])
# The parser puts a tbody around rows, and with it between a loop's begin and end; mails need none.
_IMPLIED = frozenset({"tbody"})
_BLANK = " \t\n\r\f"


class Misplaced(Exception):
    """A tag stands where it cannot work; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def build_text(reading: Reading) -> list[Node]:
    """Return the tree of a template that is text only: a subject, a preheader."""
    builder = _Builder(reading, find_line=lambda _text: 1)
    builder.add_pieces(reading.text)
    return builder.root


def build_tree(reading: Reading, html: str, find_line: Callable[[str], int]) -> list[Node]:
    """Return the tree of sanitised HTML; raises Misplaced. `find_line` locates literal text."""
    builder = _Builder(reading, find_line)
    builder.feed(html)
    builder.close()
    _check_none_is_lost(reading, builder.used)
    _gather_lists(builder.root)
    return builder.root


class _Builder(HTMLParser):
    def __init__(self, reading: Reading, find_line: Callable[[str], int]) -> None:
        super().__init__(convert_charrefs=True)
        self.reading = reading
        self.find_line = find_line
        self.root: list[Node] = []
        self.used: set[int] = set()
        # Open elements and controls, each with the list that takes what comes next.
        self.stack: list[tuple[Element | Choice | Repeat | None, list[Node]]] = [(None, self.root)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _IMPLIED:
            return
        # Asked once more here: where two parsers read the same text differently, this one decides.
        if not is_allowed(tag):
            raise Misplaced(self._problem(1, f"The element {tag[:40]} cannot stand in a mail."))
        attributes: dict[str, list[Text | Output]] = {}
        for name, given in attrs:
            value = allowed_value(tag, name, given or "")
            parts = self._attribute(tag, name, value) if value is not None else []
            if parts:
                attributes[name] = parts
        element = Element(tag, attributes)
        self.stack[-1][1].append(element)
        if tag in VOID:
            return
        self.stack.append((element, element.children))
        if len(self.stack) > MAX_DEPTH:
            raise Misplaced(self._problem(1, "The elements of this body are nested too deeply."))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or tag in _IMPLIED:
            return
        opened = self.stack[-1][0]
        if not isinstance(opened, Element):
            raise Misplaced(self._crossing(opened))
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.add_pieces(data)

    def handle_comment(self, data: str) -> None:
        if self.reading.words_pattern.fullmatch(data):
            self.add_pieces(data)

    def add_pieces(self, text: str) -> None:
        """Add text to what is open, with its words made into the tags they stand for."""
        for piece in self.reading.split(text):
            match piece:
                case str():
                    self.stack[-1][1].append(Text(piece))
                case Output():
                    self.used.add(id(piece))
                    self.stack[-1][1].append(piece)
                case Control():
                    self.used.add(id(piece))
                    self._control(piece)

    def _control(self, control: Control) -> None:
        opened, _ = self.stack[-1]
        match control.kind, opened:
            case "if", _:
                choice = Choice([Branch(control.evaluate)], control.place)
                self.stack[-1][1].append(choice)
                self.stack.append((choice, choice.branches[0].children))
            case "for", _:
                repeat = Repeat(
                    control.variable, control.name, _given(control.evaluate), control.place
                )
                self.stack[-1][1].append(repeat)
                self.stack.append((repeat, repeat.children))
            case (("elif" | "else"), Choice()):
                branch = Branch(control.evaluate)
                opened.branches.append(branch)
                self.stack[-1] = (opened, branch.children)
            case ("endif", Choice()) | ("endfor", Repeat()):
                self.stack.pop()
            case _:
                raise Misplaced(self._crossing(control))

    def _attribute(self, tag: str, name: str, value: str) -> list[Text | Output]:
        parts: list[Text | Output] = []
        for piece in self.reading.split(value):
            if isinstance(piece, Control):
                raise Misplaced(
                    self._problem(
                        piece.place.line, f"{{% {piece.kind} %}} cannot stand inside an HTML tag."
                    )
                )
            if isinstance(piece, str):
                parts.append(Text(piece))
                continue
            if name not in _SHOWN_ATTRIBUTES:
                raise Misplaced(
                    self._problem(
                        piece.place.line, f"A placeholder cannot stand in the attribute {name}."
                    )
                )
            self.used.add(id(piece))
            parts.append(piece)
        if name in {"href", "src"}:
            self._check_target(parts, is_image=tag == "img")
        return parts or ([Text("")] if name == "alt" else [])

    def _check_target(self, parts: list[Text | Output], *, is_image: bool) -> None:
        fault = describe_fault(parts, is_image=is_image)
        if fault is None:
            return
        first = parts[0] if parts else None
        line = self.find_line(first.text if isinstance(first, Text) else "")
        raise Misplaced(self._problem(line, *fault))

    def _crossing(self, control: Control | Choice | Repeat | None) -> Problem:
        kind = control.kind if isinstance(control, Control) else "if"
        if isinstance(control, Repeat):
            kind = "for"
        return self._problem(
            control.place.line if control else 1,
            f"{{% {kind} %}} begins in one paragraph, list or emphasis and ends in another.",
            "Put both ends into the same one, or each on a line of its own.",
        )

    def _problem(self, line: int, message: str, suggestion: str | None = None) -> Problem:
        return Problem(field="body", line=line, message=message, suggestion=suggestion)


def _given(evaluate: Expression | None) -> Expression:
    if evaluate is None:
        raise AssertionError("a loop was read without its list")
    return evaluate


def _check_none_is_lost(reading: Reading, used: set[int]) -> None:
    for tag in reading.tags:
        if id(tag) not in used:
            raise Misplaced(
                Problem(
                    field="body",
                    line=tag.place.line,
                    message="This placeholder stands in a part of the HTML that mails cannot hold.",
                    suggestion="Put it into the text, a link's href, or an image's alt.",
                )
            )


def _gather_lists(nodes: list[Node]) -> None:
    """Turn every loop over lists of one item each into one list of looped items."""
    for index, node in enumerate(nodes):
        for children in child_lists(node):
            _gather_lists(children)
        if not isinstance(node, Repeat):
            continue
        inner = [one for one in node.children if not is_blank(one)]
        if len(inner) == 1 and isinstance(inner[0], Element) and inner[0].tag in {"ul", "ol"}:
            listing = inner[0]
            node.children = listing.children
            listing.children = [node]
            nodes[index] = listing


def is_blank(node: Node) -> bool:
    """Tell whether a node is text that shows nothing."""
    return isinstance(node, Text) and not node.text.strip(_BLANK)
