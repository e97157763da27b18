"""The pieces a template is made of once it has been read and checked.

Text and markup are elements and text; what the template language adds is one output and two
controls. Both parts of a mail, HTML and text, are built from the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

_COLOUR = re.compile("(?i)(?:^|[;-])color|background")
Scope = dict[str, object]
Evaluate = Callable[[Scope], object]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: what computes it, the names it may read, whether it is just one name.

    Names are dotted; variables of loops are not among them. `weighs` is whether more counts of their values
    than that there are any.
    """

    compute: Evaluate
    uses: frozenset[str]
    is_bare: bool
    weighs: bool = False

    def __call__(self, scope: Scope) -> object:
        return self.compute(scope)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the content something stands."""

    field: str
    line: int


@dataclass(frozen=True, slots=True)
class Output:
    """A placeholder; `name` is the dotted name it shows, for messages."""

    name: str
    evaluate: Expression
    place: Place


@dataclass(slots=True)
class Text:
    """Literal text."""

    text: str


@dataclass(slots=True)
class Branch:
    """One way of a choice; without a condition it is the else."""

    condition: Expression | None
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Choice:
    """If, elif and else."""

    branches: list[Branch]
    place: Place


@dataclass(slots=True)
class Repeat:
    """For each item of a contact's list."""

    variable: str
    name: str
    evaluate: Expression
    place: Place
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Element:
    """One element of the markup; attribute values are text and outputs in turn."""

    tag: str
    attributes: dict[str, list[Text | Output]]
    children: list[Node] = field(default_factory=list)


Node = Text | Output | Choice | Repeat | Element
Attributes = Mapping[str, list[Text | Output]]


def child_lists(node: Node) -> list[list[Node]]:
    """Return the lists of children below a node: one for each branch of a choice."""
    match node:
        case Element() | Repeat():
            return [node.children]
        case Choice():
            return [branch.children for branch in node.branches]
        case _:
            return []


def iter_nodes(nodes: list[Node]) -> Iterator[Node]:
    """Go through all nodes, parents before their children."""
    for node in nodes:
        yield node
        for children in child_lists(node):
            yield from iter_nodes(children)


def has_colours(nodes: list[Node]) -> bool:
    """Tell whether the markup sets colours of its own, which may not fit a dark page."""
    for node in iter_nodes(nodes):
        if isinstance(node, Element):
            style = "".join(
                part.text for part in node.attributes.get("style", []) if isinstance(part, Text)
            )
            if {"bgcolor", "color"} & node.attributes.keys() or _COLOUR.search(style):
                return True
    return False


def always_shows(nodes: list[Node], name: str) -> bool:
    """Tell whether the named value is shown, or linked to, whatever the conditions are."""
    for node in nodes:
        if isinstance(node, Output) and node.name == name:
            return True
        if isinstance(node, Element):
            target = node.attributes.get("href", [])
            if any(isinstance(part, Output) and part.name == name for part in target):
                return True
            if always_shows(node.children, name):
                return True
        if (
            isinstance(node, Choice)
            and node.branches[-1].condition is None
            and all(always_shows(branch.children, name) for branch in node.branches)
        ):
            return True
    return False
