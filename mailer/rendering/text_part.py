"""The text part: the same tree as lines of at most 76 characters, links as whole words.

It says everything the HTML part says, every address included (A-015). An address is never broken,
however long it is (L-009).
"""

from __future__ import annotations

import re

from mailer.rendering.blocks import Block, BlockChoice, BlockRepeat, Group, Leaf, Listing
from mailer.rendering.building import is_blank
from mailer.rendering.expressions import is_true
from mailer.rendering.html_part import ChoiceStep, Lead, RepeatStep, address_steps
from mailer.rendering.running import (
    Program,
    Run,
    Show,
    Step,
    ValueStep,
    join_literals,
    run_program,
    spend_turn,
    take_items,
)
from mailer.rendering.tree import (
    Choice,
    Element,
    Node,
    Output,
    Repeat,
    Text,
    child_lists,
)
from mailer.rendering.words import Words

WIDTH = 76
RULE = "-" * 40
_NARROWEST = 20
_SPACE = re.compile("[ \t\n\r\f]+")
_BLOCK_NAMES = (
    "p div h1 h2 h3 h4 h5 h6 ul ol li blockquote pre table caption thead tbody tfoot tr th td hr dl"
    " dt dd center address article section header footer main figure figcaption details summary"
)
_BLOCK_TAGS = frozenset(_BLOCK_NAMES.split())


class TextWriter:
    """Makes the blocks of the text part; `show` is what becomes of each value, `lead` of each target."""

    def __init__(self, words: Words, show: Show = str, lead: Lead | None = None) -> None:
        self.words = words
        self.show = show
        self.lead = lead

    def compile_line(self, nodes: list[Node]) -> Program:
        """Return the program of a template that is one line of text."""
        return join_literals(self._inline(nodes, keep_lines=True))

    def compile(self, nodes: list[Node], *, in_table: bool = False) -> list[Block]:
        """Return the blocks of a tree; neighbouring inline nodes become one paragraph."""
        blocks: list[Block] = []
        inline: list[Node] = []
        for node in nodes:
            if not _is_block(node):
                inline.append(node)
                continue
            self._end_paragraph(inline, blocks)
            inline = []
            blocks += self._block(node, in_table=in_table)
        self._end_paragraph(inline, blocks)
        return blocks

    def _end_paragraph(self, inline: list[Node], blocks: list[Block], form: str = "") -> None:
        shown = [node for node in inline if not is_blank(node)]
        if not shown:
            return
        if len(shown) == 1 and isinstance(shown[0], Element) and shown[0].tag == "a":
            parts = self._link(shown[0], is_alone=True)
        else:
            parts = self._inline(inline, keep_lines=form == "pre")
        blocks.append(Leaf(join_literals(parts), form))

    def _block(self, node: Node, *, in_table: bool) -> list[Block]:
        match node:
            case Choice():
                branches = [
                    (branch.condition, self.compile(branch.children, in_table=in_table))
                    for branch in node.branches
                ]
                return [BlockChoice(branches, node.place)]
            case Repeat():
                return [BlockRepeat(node, self.compile(node.children, in_table=in_table))]
            case Element():
                return self._element(node, in_table=in_table)
            case _:
                return []

    def _element(self, node: Element, *, in_table: bool) -> list[Block]:
        blocks: list[Block] = []
        match node.tag:
            case "hr":
                return [Leaf((RULE,))]
            case "h1" | "pre":
                self._end_paragraph(node.children, blocks, node.tag)
                return blocks
            case "blockquote":
                return [Group(self.compile(node.children), "> ")]
            case "ul" | "ol":
                items = self.compile(node.children)
                return [Listing(items, _start(node), not _is_loose(node.children))]
            case "li":
                return [Group(self.compile(node.children), is_tight=not _is_loose([node]))]
            case "table":
                is_data = _holds(node.children, "th")
                return [Group(self.compile(node.children, in_table=is_data), is_tight=is_data)]
            case "tr" if in_table:
                cells = _with_bars(node.children)
                self._end_paragraph(cells, blocks)
                return blocks
            case _:
                return self.compile(node.children, in_table=in_table)

    def _inline(self, nodes: list[Node], *, keep_lines: bool = False) -> list[str | Step]:
        parts: list[str | Step] = []
        for node in nodes:
            match node:
                case Text():
                    parts.append(node.text if keep_lines else _SPACE.sub(" ", node.text))
                case Output():
                    parts.append(ValueStep(node, self.show, self.words))
                case Element():
                    parts += self._inline_element(node, keep_lines=keep_lines)
                case Choice():
                    branches = [
                        (
                            one.condition,
                            join_literals(self._inline(one.children, keep_lines=keep_lines)),
                        )
                        for one in node.branches
                    ]
                    parts.append(ChoiceStep(branches, node.place))
                case Repeat():
                    inner = self._inline(node.children, keep_lines=keep_lines)
                    parts.append(RepeatStep(node, join_literals(inner)))
        return parts

    def _inline_element(self, node: Element, *, keep_lines: bool) -> list[str | Step]:
        match node.tag:
            case "br":
                return ["\n"]
            case "img":
                alt = self._parts(node.attributes.get("alt", []))
                return ["[", *alt, "]"] if alt and alt != [""] else []
            case "a":
                return self._link(node, is_alone=False)
            case "q":
                return ["“", *self._inline(node.children), "”"]
            case tag if tag in _BLOCK_TAGS:
                return [" ", *self._inline(node.children, keep_lines=keep_lines), " "]
            case _:
                return self._inline(node.children, keep_lines=keep_lines)

    def _parts(self, parts: list[Text | Output]) -> list[str | Step]:
        nodes: list[Node] = list(parts)
        return self._inline(nodes)

    def _link(self, node: Element, *, is_alone: bool) -> list[str | Step]:
        target = node.attributes.get("href", [])
        label = self._inline(node.children)
        if not target or (isinstance(target[0], Text) and target[0].text.startswith("#")):
            return label
        led = target if self.lead is None else self.lead(target)
        is_same = _same(target, node.children)
        if is_same and led is target:
            return label
        address = address_steps(led, self.words)
        if isinstance(address[0], str):
            address[0] = re.sub("(?i)^(?:mailto|tel):", "", address[0])
        if is_same or not any(not isinstance(part, str) or part.strip() for part in label):
            return address
        return [*label, ": ", *address] if is_alone else [*label, " <", *address, ">"]


def lay_out(blocks: list[Block], run: Run, width: int = WIDTH) -> list[str]:
    """Run the blocks and return their lines, a blank one between paragraphs."""
    return _stack(paragraphs_of(blocks, run, width), is_tight=False)


def paragraphs_of(blocks: list[Block], run: Run, width: int = WIDTH) -> list[list[str]]:
    """Run the blocks and return the lines of each paragraph."""
    found: list[list[str]] = []
    for block in blocks:
        match block:
            case Leaf():
                found.append(_leaf_lines(block, run, width))
            case Group():
                inner = paragraphs_of(
                    block.children, run, max(width - len(block.prefix), _NARROWEST)
                )
                lines = _stack(inner, is_tight=block.is_tight)
                found.append([f"{block.prefix}{line}".rstrip() for line in lines])
            case Listing():
                found.append(_list_lines(block, run, width))
            case BlockChoice():
                found += _chosen(block, run, width)
            case BlockRepeat():
                repeat = block.repeat
                for item in take_items(repeat.evaluate(run.scope), repeat.name, repeat.place):
                    spend_turn(run, 0, repeat.place)
                    run.scope[repeat.variable] = item
                    found += paragraphs_of(block.children, run, width)
    return [lines for lines in found if lines]


def _chosen(block: BlockChoice, run: Run, width: int) -> list[list[str]]:
    for condition, children in block.branches:
        if condition is None or is_true(condition(run.scope)):
            spend_turn(run, 0, block.place)
            return paragraphs_of(children, run, width)
    return []


def _leaf_lines(leaf: Leaf, run: Run, width: int) -> list[str]:
    if width in leaf.wrapped:
        return leaf.wrapped[width]
    own = Run(run.scope)
    own.size = run.size + leaf.size
    run_program(leaf.program, own)
    run.size = own.size
    text = "".join(own.out)
    lines = text.strip("\n").split("\n") if leaf.form == "pre" else wrap(text, width)
    if leaf.form == "h1" and lines:
        lines.append("-" * min(max(map(len, lines)), width))
    if leaf.is_static:
        leaf.wrapped[width] = lines
    return lines


def _list_lines(listing: Listing, run: Run, width: int) -> list[str]:
    indent = "  " if listing.start is None else "    "
    items: list[list[str]] = []
    inner = paragraphs_of(listing.children, run, max(width - len(indent), _NARROWEST))
    for number, lines in enumerate(inner, listing.start or 0):
        mark = "- " if listing.start is None else f"{number}. ".ljust(len(indent))
        items.append([mark + lines[0], *(f"{indent}{line}".rstrip() for line in lines[1:])])
    return _stack(items, is_tight=listing.is_tight)


def _stack(paragraphs: list[list[str]], *, is_tight: bool) -> list[str]:
    lines: list[str] = []
    for paragraph in paragraphs:
        if lines and not is_tight:
            lines.append("")
        lines += paragraph
    return lines


def wrap(text: str, width: int = WIDTH) -> list[str]:
    """Return text as lines of at most `width` characters; a longer word stays whole."""
    if len(text) <= width and "\n" not in text and "  " not in text:
        return [line] if (line := text.strip(" ")) else []
    lines: list[str] = []
    for line in text.strip(" \n").split("\n"):
        current = ""
        for word in line.split(" "):
            if current and word and len(current) + 1 + len(word) > width:
                lines.append(current)
                current = word
            elif word:
                current = f"{current} {word}" if current else word
        lines.append(current)
    return lines if any(lines) else []


def _is_block(node: Node) -> bool:
    if isinstance(node, Element) and node.tag in _BLOCK_TAGS:
        return True
    if isinstance(node, Element) and node.tag == "a":
        return False
    return any(_is_block(child) for children in child_lists(node) for child in children)


def _holds(nodes: list[Node], tag: str) -> bool:
    return any(
        (isinstance(node, Element) and node.tag == tag)
        or any(_holds(children, tag) for children in child_lists(node))
        for node in nodes
    )


def _is_loose(nodes: list[Node]) -> bool:
    """Tell whether an item among the nodes holds several paragraphs."""
    for node in nodes:
        if isinstance(node, Element) and node.tag == "li":
            paragraphs = [
                one for one in node.children if isinstance(one, Element) and one.tag == "p"
            ]
            if len(paragraphs) > 1:
                return True
        elif any(_is_loose(children) for children in child_lists(node)):
            return True
    return False


def _start(node: Element) -> int | None:
    if node.tag == "ul":
        return None
    given = "".join(
        part.text for part in node.attributes.get("start", []) if isinstance(part, Text)
    )
    return int(given) if given.isdecimal() and len(given) < 9 else 1


def _with_bars(cells: list[Node]) -> list[Node]:
    shown: list[Node] = []
    for cell in cells:
        if is_blank(cell):
            continue
        if shown:
            shown.append(Text(" | "))
        shown.append(cell)
    return shown


def _same(target: list[Text | Output], label: list[Node]) -> bool:
    """Tell whether a link shows exactly the address it leads to."""
    if len(target) != 1 or len(label) != 1:
        return False
    one, other = target[0], label[0]
    if isinstance(one, Text) and isinstance(other, Text):
        shown = other.text.strip()
        return shown in {one.text, re.sub("(?i)^(?:mailto|tel):", "", one.text)}
    return isinstance(one, Output) and isinstance(other, Output) and one.name == other.name
