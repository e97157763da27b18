"""Links that are led through us by number, so that clicks can be counted.

Only an address that is the same for everybody is: what holds a person's values would tell them apart in
the table of targets. Our own links, to leave, to choose, to the notice, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailer.foundation.errors import Invalid
from mailer.rendering.footer import CLICKS, own_value
from mailer.rendering.html_part import LINK_NAMES, address_steps
from mailer.rendering.running import Program, Run, expressions_of, run_program
from mailer.rendering.tree import Element, Node, Output, Scope, Text, iter_nodes
from mailer.rendering.words import Words

_SUBJECT = "campaign.subject"
# A host that any browser and proxy reads alike: no user in front, a port that can be one.
_PORT = r"6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[0-5]?\d{1,4}"
_COUNTABLE = re.compile(
    rf"(?i)https?://[\w%-]{{1,63}}(?:\.[\w%-]{{1,63}})*(?::(?:{_PORT}))?(?:[/?#]\S*)?", re.ASCII
)
Target = list[Text | Output]


@dataclass(frozen=True, slots=True)
class Counted:
    """The links of a campaign whose clicks are counted: their numbers by where they lead.

    `organisation` holds the values that may stand in them, by name.
    """

    numbers: Mapping[str, int]
    organisation: Mapping[str, str]


class Everybody:
    """What is known of a mail before it is known who gets it."""

    def __init__(
        self, subject: Program, template: str, organisation: Mapping[str, str], words: Words
    ) -> None:
        self._words = words
        self._unknown = LINK_NAMES
        self._scope: Scope = {"organisation": organisation, "campaign": {"subject": template}}
        shown = self._run(subject)
        if shown is None or any(one.uses & LINK_NAMES for one in expressions_of(subject)):
            self._unknown = LINK_NAMES | {_SUBJECT}
        else:
            self._scope["campaign"] = {"subject": shown.strip()}

    def address(self, target: Target) -> str | None:
        """Where a link leads everybody; None when that depends, or is no page of the web."""
        for part in target:
            if isinstance(part, Output) and part.evaluate.uses & self._unknown:
                return None
        address = self._run(tuple(address_steps(target, self._words))) if target else None
        return address if address and _COUNTABLE.fullmatch(address) else None

    def _run(self, program: Program) -> str | None:
        run = Run(self._scope)
        try:
            run_program(program, run)
        except (Invalid, KeyError):
            return None  # a value that is missing, or of a person: those are not in the scope
        return "".join(run.out)


def addresses_in(nodes: list[Node], everybody: Everybody) -> list[str]:
    """Return where the links that can be counted lead, each address once, in their order."""
    found: dict[str, None] = {}
    for node in iter_nodes(nodes):
        if isinstance(node, Element) and node.tag == "a":
            address = everybody.address(node.attributes.get("href", []))
            if address is not None:
                found[address] = None
    return list(found)


def leading_through(numbers: Mapping[str, int], everybody: Everybody) -> Callable[[Target], Target]:
    """Return what gives each link with a number the address that we count at; others stay the same."""

    def lead(target: Target) -> Target:
        number = numbers.get(everybody.address(target) or "")
        return target if number is None else [own_value(CLICKS), Text(f"/{number}")]

    return lead
