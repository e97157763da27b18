"""What the text part is made of: paragraphs, and what stands around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailer.rendering.running import (
    MAX_ITEMS,
    Program,
    expressions_of,
    most_turns_of,
    static_size,
)
from mailer.rendering.tree import Expression, Place, Repeat


@dataclass(slots=True)
class Leaf:
    """A paragraph: an inline program, wrapped once it has run. `form` is h1, pre or empty."""

    program: Program
    form: str = ""
    wrapped: dict[int, list[str]] = field(default_factory=dict)
    size: int = field(init=False)
    is_static: bool = field(init=False)

    def __post_init__(self) -> None:
        self.size = static_size(self.program)
        self.is_static = all(isinstance(part, str) for part in self.program)


@dataclass(slots=True)
class Group:
    """Blocks below each other, each line behind `prefix`."""

    children: list[Block]
    prefix: str = ""
    is_tight: bool = False


@dataclass(slots=True)
class Listing:
    """Items behind dashes, or behind numbers counted from `start`."""

    children: list[Block]
    start: int | None
    is_tight: bool


@dataclass(slots=True)
class BlockChoice:
    branches: list[tuple[Expression | None, list[Block]]]
    place: Place


@dataclass(slots=True)
class BlockRepeat:
    repeat: Repeat
    children: list[Block]


Block = Leaf | Group | Listing | BlockChoice | BlockRepeat


def block_expressions(blocks: list[Block]) -> Iterator[Expression]:
    """Go through everything the blocks compute."""
    for block in blocks:
        match block:
            case Leaf():
                yield from expressions_of(block.program)
            case BlockChoice():
                for condition, children in block.branches:
                    if condition is not None:
                        yield condition
                    yield from block_expressions(children)
            case BlockRepeat():
                yield block.repeat.evaluate
                yield from block_expressions(block.children)
            case _:
                yield from block_expressions(block.children)


def most_block_turns(blocks: list[Block]) -> int:
    """Return how many turns of loops and choices the blocks may take at most."""
    turns = 0
    for block in blocks:
        match block:
            case Leaf():
                turns += most_turns_of(block.program)
            case BlockChoice():
                turns += 1 + max(most_block_turns(children) for _, children in block.branches)
            case BlockRepeat():
                turns += MAX_ITEMS * (1 + most_block_turns(block.children))
            case _:
                turns += most_block_turns(block.children)
    return turns
