"""Nothing is so large that it cannot be read in one sitting.

Parameters: at most six that go by position, eight with those that must be named; self and cls are
not counted. A function's lines run from its `def` to its last one, docstring and all.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.sources import Source, refuse, sources, suite

LONGEST_FILE, LONGEST_TEST_FILE = 500, 500
# What is handed to people who have nothing else of ours is one file, whatever it has to hold.
STANDS_ALONE = frozenset({"mailer/verifier/verify.py"})
LONGEST_FUNCTION = 50
MOST_POSITIONAL, MOST_PARAMETERS = 6, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: Source) -> Iterator[Function]:
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            yield node


def lines(source: Source) -> int:
    return len(source.text.splitlines())


def test_files_are_short() -> None:
    too_long = [
        f"{source.path}: {lines(source)} lines"
        for group, most in ((sources(), LONGEST_FILE), (suite(), LONGEST_TEST_FILE))
        for source in group
        if lines(source) > most and source.path not in STANDS_ALONE
    ]
    refuse(too_long)


def test_functions_are_short() -> None:
    too_long = [
        f"{source.path}:{function.lineno}: {function.name} has {length} lines"
        for source in (*sources(), *suite())
        for function in functions(source)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    refuse(too_long)


def test_functions_take_few_parameters() -> None:
    too_many = []
    for source in sources():
        for function in functions(source):
            taken = function.args
            positional = [
                name.arg
                for name in (*taken.posonlyargs, *taken.args)
                if name.arg not in ("self", "cls")
            ]
            everything = len(positional) + len(taken.kwonlyargs)
            if len(positional) > MOST_POSITIONAL or everything > MOST_PARAMETERS:
                too_many.append(f"{source.path}:{function.lineno}: {function.name}: {everything}")
    refuse(too_many)
