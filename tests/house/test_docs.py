"""What the pages say is there: links, commands, settings, names, states, requirements."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from mailer import reactions
from mailer.campaigns.states import TRANSITIONS
from mailer.cli.commands import build_parser
from mailer.consent import DPV_TERMS
from mailer.foundation.database import Model
from mailer.foundation.events import Event
from mailer.foundation.queue import QUEUES
from mailer.foundation.settings import ENTRIES, OTHER_NAMES
from tests.house.sources import ROOT, refuse
from tests.house.test_import_law import LINE

GENERATED = frozenset({"docs/settings.md", "docs/cli.md"})
BLOCK = re.compile(r"^```\w*\n(?:.*\n)*?```$|(?:^    .+\n)+", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
MEMBERS = re.compile(r"<!-- members of ([\w.]+):(\w+) -->\n((?:\|.*\n)+)")
TOP_LEVEL = ("mailer/", "tests/", "docs/", "scripts/", "templates/", ".ci/")
REQUIREMENT = r"[A-Z]-\d{3}"


@dataclass(frozen=True)
class Page:
    """One page: its path from the root, and its text."""

    path: str
    text: str

    @property
    def code(self) -> str:
        """Everything in it that is written as code."""
        blocks = [hit.group() for hit in BLOCK.finditer(self.text)]
        return "\n".join([*blocks, *INLINE.findall(BLOCK.sub("", self.text))])

    @property
    def names(self) -> list[str]:
        """What stands between single backticks."""
        return INLINE.findall(BLOCK.sub("", self.text))

    @property
    def anchors(self) -> set[str]:
        headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", self.text), re.MULTILINE)
        return {slug_of(heading) for heading in headings}


def slug_of(heading: str) -> str:
    """The anchor of a heading, as renderers of Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@cache
def pages() -> tuple[Page, ...]:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return tuple(
        Page(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
    )


def page(path: str) -> Page:
    return next(found for found in pages() if found.path == path)


def named(pattern: str, *, flags: int = 0) -> Iterator[tuple[str, str]]:
    """Path and match of everything in the code of pages written by hand that fits `pattern`."""
    for one in pages():
        if one.path in GENERATED:
            continue
        for hit in re.findall(pattern, one.code, flags):
            yield one.path, hit


def rows(table: str) -> list[list[str]]:
    """The cells of a table below its head, without backticks."""
    lines = table.strip().splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def resolve(name: str) -> object:
    """The thing that `room.Name.more` names, asked from the room's face."""
    room, *more = name.split(".")
    found: object = importlib.import_module(f"mailer.{room}")
    for part in more:
        found = getattr(found, part)
    return found


def is_missing(name: str) -> bool:
    try:
        resolve(name)
    except (ImportError, AttributeError):
        return True
    return False


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    broken = []
    for one in pages():
        for target in LINK.findall(BLOCK.sub("", one.text)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            found = (ROOT / one.path).parent / path if path else ROOT / one.path
            if not found.is_file():
                broken.append(f"{one.path}: {target}")
            elif anchor:
                relative = str(found.resolve().relative_to(ROOT.resolve()))
                if anchor not in page(relative).anchors:
                    broken.append(f"{one.path}: {target} (no such heading)")
    refuse(broken)


def test_every_page_is_listed() -> None:
    index = page("docs/index.md").text
    listed = {str(Path("docs") / target.partition("#")[0]) for target in LINK.findall(index)}
    there = {one.path for one in pages() if one.path.startswith("docs/")}
    assert there - {"docs/index.md"} <= listed


def test_every_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    mentioned = list(named(r"^\s*make ([a-z]+)", flags=re.MULTILINE))
    assert mentioned
    refuse([f"{path}: make {target}" for path, target in mentioned if target not in targets])


def test_every_command_and_its_options_are_there() -> None:
    actions = build_parser()._actions
    (commands,) = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    options = {
        name: {option for action in parser._actions for option in action.option_strings}
        for name, parser in commands.choices.items()
    }
    wrong = []
    for path, given in named(r"python -m mailer (?![.\[])([^\n;'`]*)"):
        command, *rest = given.split()
        if command not in options:
            wrong.append(f"{path}: {command}")
            continue
        unknown = {word for word in rest if word.startswith("--")} - options[command]
        wrong += [f"{path}: {command} {option}" for option in unknown]
    refuse(wrong)


def test_every_worker_is_started_as_it_can_be() -> None:
    queues = [queue for _, queue in named(r"worker\.py --queue (\w+)")]
    assert set(queues) == set(QUEUES)
    entry = (ROOT / "worker.py").read_text(encoding="utf-8")
    options = {option for _, line in named(r"worker\.py ([^\n`]*)") for option in line.split()}
    refuse([one for one in options if one.startswith("--") and f'"{one}"' not in entry])


def test_every_name_in_the_environment_is_a_setting() -> None:
    known = {entry.name for entry in ENTRIES} | OTHER_NAMES
    known |= {f"{entry.name}_FILE" for entry in ENTRIES}
    wrong = [
        f"{one.path}: {name}"
        for one in pages()
        for name in re.findall(r"\bMAILER_[A-Z_]*[A-Z]", one.text)
        if name not in known
    ]
    refuse(wrong)


def test_the_names_of_the_glossary_are_in_the_code() -> None:
    table = re.findall(r"^\|.+\| `([^`]+)` \|", page("docs/glossary.md").text, re.MULTILINE)
    assert len(table) > 40
    refuse([name for name in table if is_missing(name)])


def test_every_verb_and_class_that_is_named_is_in_its_room() -> None:
    rooms = "|".join(LINE[1:])
    wrong = [
        f"{one.path}: {name}"
        for one in pages()
        for name in one.names
        if re.fullmatch(rf"(?:{rooms})\.\w[\w.]*", name)
        and not name.endswith((".py", ".md", ".jsonl"))
        if is_missing(name)
    ]
    refuse(wrong)


def test_every_path_that_is_named_is_there() -> None:
    wrong = [
        f"{one.path}: {name}"
        for one in pages()
        for name in one.names
        if name.startswith(TOP_LEVEL) and " " not in name and not (ROOT / name).exists()
    ]
    refuse(wrong)


def test_every_table_of_states_has_every_state_and_no_other() -> None:
    found = [hit for one in pages() for hit in MEMBERS.findall(one.text)]
    assert len(found) == 11
    for module, name, table in found:
        members = getattr(importlib.import_module(module), name)
        assert [row[0] for row in rows(table)] == [member.value for member in members], name


def table_of(name: str) -> list[list[str]]:
    """The rows of the table of states of the class `name`."""
    hits = [hit for one in pages() for hit in MEMBERS.findall(one.text)]
    return rows(next(table for _, found, table in hits if found == name))


@pytest.mark.requirement("R-007")
def test_the_terms_beside_the_states_are_those_of_the_vocabulary() -> None:
    said = {row[0]: row[1] for row in table_of("ConsentState")}
    assert said == {state.value: term for state, term in DPV_TERMS.items()}


def test_a_campaign_leads_where_the_page_says() -> None:
    said = {row[0]: {*filter(None, re.split(r", ", row[2]))} for row in table_of("CampaignState")}
    real: dict[str, set[str]] = {state: set() for state in said}
    for (before, _), after in TRANSITIONS.items():
        real[before.value].add(after.value)
    assert said == real


def test_the_line_of_rooms_is_told_as_it_stands() -> None:
    told = re.findall(
        r"^\| `(\w+)` \| [A-Z].+\. \|$", page("docs/architecture.md").text, re.MULTILINE
    )
    assert told == list(LINE)


def test_what_follows_what_is_told_as_it_is() -> None:
    table = page("docs/architecture.md").text.partition("| event | wakes |")[2].partition("\n\n")[0]
    told = INLINE.findall(table)
    kinds = {name: resolve(name) for name in told}
    refuse([name for name, kind in kinds.items() if kind not in Event.__subclasses__()])
    assert {name.rpartition(".")[2] for name in told} == set(reactions.REACTIONS)


def test_every_table_of_the_database_is_named_where_privacy_is_told() -> None:
    told = set(page("docs/privacy.md").names)
    refuse([name for name in sorted(Model.metadata.tables) if name not in told])


def test_every_requirement_that_is_named_is_shown_by_a_test() -> None:
    suite = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    shown = set(re.findall(rf'requirement\("({REQUIREMENT})"\)', suite))
    wrong = [
        f"{one.path}: {name}"
        for one in pages()
        for name in re.findall(rf"\b{REQUIREMENT}\b", one.text)
        if name not in shown
    ]
    refuse(wrong)


def test_the_pages_do_not_raise_their_voice() -> None:
    prose = ((one.path, INLINE.sub("", BLOCK.sub("", one.text))) for one in pages())
    refuse([path for path, text in prose if re.search(r"!(?!\[|--)", text)])


def test_the_pictures_are_there_and_small() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page("README.md").text)
    assert len(shown) == 2
    for picture in shown:
        assert (ROOT / picture).stat().st_size < 250_000
