"""Names say what a thing is; nothing is left unfinished; nothing tells where it was written."""

from __future__ import annotations

import ast
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT, Source, refuse, sources, suite

EMPTY_WORDS = frozenset(
    [
        "manager",
        "helper",
        "helpers",
        "util",
        "utils",
        "common",
        "misc",
        "core",
        "base",
        "data",
        "info",
        "service",
        "services",
    ]
)
# A row is read with get, find, list, count or iter, and written with the field's own verb.
OTHER_VERBS = frozenset(
    ["fetch", "load", "retrieve", "save", "insert", "persist", "handle", "process", "perform", "do"]
)
NOT_OURS = frozenset(
    {
        ".git",
        ".hypothesis",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "__pycache__",
        "node_modules",
        "var",
    }
)
KINDS = frozenset(
    [
        ".py",
        ".html",
        ".css",
        ".js",
        ".svg",
        ".txt",
        ".md",
        ".toml",
        ".mako",
        ".yml",
        ".yaml",
        ".cfg",
        ".ini",
        ".sh",
        ".json",
    ]
)
# Written apart, so that this file may be read with the others.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK|Not" r"ImplementedError)\b")
PLACES = re.compile(r"(?<![\w.])/(wo" r"rk|ro" r"ot|ho" r"me/\w+|Us" r"ers/\w+)(?![\w-])")
NUMBERED = re.compile(r"\b[Ii]s" r"sue #?\d")


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of everything written by hand."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        is_text = path.suffix in KINDS or path.parent == ROOT or parts[0] == "scripts"
        if NOT_OURS.isdisjoint(parts) and path.is_file() and is_text:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
        for path, text in texts()
        for hit in pattern.finditer(text)
    ]


def words(name: str) -> set[str]:
    """`HTMLPart` and `html_part` are html and part."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return set(parts.split("_"))


def test_files_and_classes_are_named_after_what_they_are() -> None:
    empty = []
    for source in (*sources(), *suite()):
        parts = Path(source.path).with_suffix("").parts
        empty += [f"{source.path}: {part}" for part in parts if words(part) & EMPTY_WORDS]
        empty += [
            f"{source.path}:{node.lineno}: {node.name}"
            for node in ast.walk(source.tree)
            if isinstance(node, ast.ClassDef) and words(node.name) & EMPTY_WORDS
        ]
    refuse(empty)


def own_functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of the module itself: methods may have to bear the name a library calls."""
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_verbs_are_those_of_the_house() -> None:
    other = [
        f"{source.path}:{function.lineno}: {function.name}"
        for source in sources()
        for function in own_functions(source)
        if function.name.lstrip("_").split("_")[0] in OTHER_VERBS
    ]
    refuse(other)


def test_every_file_reads_its_hints_late() -> None:
    eager = [
        source.path
        for source in sources()
        if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in source.tree.body)
        and "from __future__ import annotations" not in source.text
    ]
    refuse(eager)


@pytest.mark.parametrize(
    "pattern", [UNFINISHED, PLACES, NUMBERED], ids=["marks", "places", "numbers"]
)
def test_nothing_is_unfinished_and_nothing_tells_where_it_was_written(
    pattern: re.Pattern[str],
) -> None:
    refuse(found(pattern))


def test_the_name_of_this_machine_stands_nowhere() -> None:
    name = socket.gethostname()
    # Too short a name would be a word.
    assert len(name) < 6 or found(re.compile(rf"\b{re.escape(name)}\b")) == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert UNFINISHED.search("# TO" + "DO: later")
    assert PLACES.search("see /wo" + "rk/notes")
    assert not PLACES.search("https://example.org/work-with-us and mailer/work")
    assert NUMBERED.search("as is" + "sue 12 says")
    assert words("HTMLPart") == {"html", "part"}
    assert words("database") == {"database"}
