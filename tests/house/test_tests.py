"""Tests say what they show in a sentence, wait for conditions, and patch nothing of ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.sources import Source, refuse, suite

REQUIREMENT = re.compile(r"[A-Z]-\d{3}")
SENTENCE = re.compile(r"test(_[a-z0-9]+){3,}")
# The one place that looks again after a moment, and the one test database a machine may lack.
MAY_SLEEP = "tests/support/waiting.py"
MAY_SKIP = frozenset({"tests/conftest.py", "tests/transport/test_real_servers.py"})
SKIPPING = frozenset({"skip", "skipif", "xfail", "importorskip"})
PATCHING = frozenset({"setattr", "delattr", "setitem", "delitem"})


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call with its dotted name, as far as it has one."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def imported_of_ours(source: Source) -> set[str]:
    return {
        name.asname or name.name.split(".")[0]
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        if ast.unparse(node).removeprefix("from ").removeprefix("import ").startswith("mailer")
    }


def test_names_of_tests_are_sentences() -> None:
    refuse(
        [
            f"{source.path}:{node.lineno}: {node.name}"
            for source in suite()
            for node in ast.walk(source.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name.startswith("test_")
            and not SENTENCE.fullmatch(node.name)
        ]
    )


def test_files_of_tests_hold_tests() -> None:
    refuse(
        [
            source.path
            for source in suite()
            if source.name.startswith("test_") and "def test_" not in source.text
        ]
    )


def test_requirements_are_named_as_the_requirements_are() -> None:
    wrong = []
    for source in suite():
        for call, name in calls(source):
            if name.endswith("mark.requirement"):
                given = [ast.literal_eval(argument) for argument in call.args]
                if len(given) != 1 or not REQUIREMENT.fullmatch(str(given[0])):
                    wrong.append(f"{source.path}:{call.lineno}: {given}")
    refuse(wrong)


def test_nobody_waits_for_time_to_pass() -> None:
    refuse(
        [
            f"{source.path}:{call.lineno}: {name}"
            for source in suite()
            if source.path != MAY_SLEEP
            for call, name in calls(source)
            if name in ("time.sleep", "sleep", "asyncio.sleep")
        ]
    )


def test_nothing_of_ours_is_patched() -> None:
    wrong = []
    for source in suite():
        own = imported_of_ours(source)
        for call, name in calls(source):
            target = ast.unparse(call.args[0]) if call.args else ""
            is_patch = name.split(".")[-1] in PATCHING and "." in name
            is_ours = target.strip("'\"").startswith("mailer.") or target.split(".")[0] in own
            if (is_patch and is_ours) or "mock" in name.split("."):
                wrong.append(f"{source.path}:{call.lineno}: {name}({target}, …)")
        wrong += [
            f"{source.path}:{line}: {name}" for line, name in source.imports() if "mock" in name
        ]
    refuse(wrong)


def test_no_test_is_left_out() -> None:
    refuse(
        [
            f"{source.path}:{node.lineno}: {ast.unparse(node)}"
            for source in suite()
            if source.path not in MAY_SKIP
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Attribute)
            and node.attr in SKIPPING
            and ast.unparse(node.value).startswith("pytest")
        ]
    )


def test_assertions_can_fail() -> None:
    """An assertion about a tuple or a constant holds whatever happens."""
    refuse(
        [
            f"{source.path}:{node.lineno}: {ast.unparse(node)}"
            for source in suite()
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple | ast.Constant)
        ]
    )
