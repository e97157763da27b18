"""A room's face says what enters, what leaves and what always holds, and names what may be used."""

from __future__ import annotations

import ast
import importlib
import inspect
import re

import pytest

from tests.house.sources import Source, modules, refuse, sources
from tests.house.test_import_law import ROOMS

FACES = [
    source
    for source in sources()
    if source.name == "__init__.py" and source.module.removeprefix("mailer.") in ROOMS
]
PROMISES = (
    r"\b([Ee]nters|[Ii]n goe?s?|go in)\b|\bIn:",
    r"\b([Ll]eaves|comes? out)\b|\bOut:",
    r"\b[Aa]lways\b",
)


def imported(face: Source) -> set[str]:
    return {
        name.asname or name.name
        for node in face.tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for name in node.names
    }


def listed(face: Source) -> list[str]:
    for node in face.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def test_every_room_has_a_face() -> None:
    assert {face.module.removeprefix("mailer.") for face in FACES} == set(ROOMS)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.path)
def test_a_face_says_what_its_room_is_for(face: Source) -> None:
    said = ast.get_docstring(face.tree) or ""
    missing = [promise for promise in PROMISES if not re.search(promise, said)]
    refuse(missing)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.path)
def test_a_face_holds_no_code_and_lists_what_it_shows(face: Source) -> None:
    other = [
        f"{face.path}:{node.lineno}"
        for node in face.tree.body[1:]
        if not isinstance(node, ast.ImportFrom | ast.Assign)
    ]
    refuse(other)
    assert sorted(imported(face)) == sorted(listed(face))


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.path)
def test_every_verb_of_a_face_says_what_it_does(face: Source) -> None:
    room = importlib.import_module(face.module)
    silent = [
        f"{face.path}: {name}"
        for name in listed(face)
        if (inspect.isfunction(shown := getattr(room, name)) or inspect.isclass(shown))
        # A dataclass without words of its own gets its signature as docstring.
        and (not shown.__doc__ or shown.__doc__.startswith(f"{name}("))
    ]
    refuse(silent)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.path)
def test_no_verb_is_hidden_behind_a_file_of_its_name(face: Source) -> None:
    room = importlib.import_module(face.module)
    hidden = [
        name
        for name in listed(face)
        if f"{face.module}.{name}" in modules() and not inspect.ismodule(getattr(room, name))
    ]
    refuse(hidden)


def test_files_of_a_room_use_other_files_and_not_their_own_face() -> None:
    wrong = [
        f"{source.path}:{line}: {name}"
        for source in sources()
        if source.room in ROOMS and source.name != "__init__.py"
        for line, name in source.imports()
        if name.startswith(f"mailer.{source.room}.")
        and name.count(".") == 2
        and name not in modules()
    ]
    refuse(wrong)
