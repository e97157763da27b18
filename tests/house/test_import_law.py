"""Rooms stand in one line, and a room imports only rooms above it, through their faces."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest

from mailer.foundation.database import Model
from tests.house.sources import Source, modules, refuse, sources

LINE = (
    "foundation",
    "rendering",
    "transport",
    "organisations",
    "accounts",
    "lists",
    "transparency",
    "consent",
    "contacts",
    "erasures",
    "transactional",
    "access",
    "suppression",
    "subscriptions",
    "forms",
    "signup",
    "receipts",
    "campaigns",
    "tracking",
    "destinations",
    "delivery",
    "imports",
    "proofs",
    "rights",
    "reports",
    "selfaudit",
)
ROOMS = frozenset(LINE) - {"foundation"}
# Doors and the files beside them: what each may import besides rooms and the foundation.
DOORS: dict[str, frozenset[str]] = {
    "jobs": frozenset(),
    "reactions": frozenset({"jobs"}),
    "web": frozenset({"verifier"}),
    "app": frozenset({"reactions", "web"}),
    "devkit": frozenset(),
    "witness": frozenset(),
    "verifier": frozenset(),
    "demo": frozenset({"devkit", "web"}),
    "cli": frozenset({"app", "demo", "devkit", "verifier", "witness"}),
    "__main__": frozenset({"cli"}),
    "": frozenset({"app", "jobs", "reactions"}),
    "migrations": frozenset(),
}
NO_ROOMS = frozenset({"app", "devkit", "verifier", "witness", "__main__", "", "migrations"})
FRAMEWORKS = frozenset({"flask", "flask_sqlalchemy", "werkzeug", "rq", "redis", "click"})
PURE_FILES = frozenset({"states.py", "outcomes.py", "roles.py", "events.py"})
PURE_FOUNDATION = frozenset(
    {"mailer.foundation.errors", "mailer.foundation.events", "mailer.foundation.languages"}
)
STATEFUL = frozenset(
    {"sqlalchemy", "flask_sqlalchemy", "time", "random", "secrets", "os", "socket"}
)


def module_of(name: str) -> str:
    """The longest part of a dotted name that is a file or package of ours."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name


def ours(source: Source) -> list[tuple[int, str, str]]:
    """Line, room and module of everything of ours that a file imports from elsewhere."""
    found = []
    for line, name in source.imports():
        module = module_of(name) if name.startswith("mailer") else ""
        room = module.split(".")[1] if module.count(".") else ""
        if room and room not in (source.room, "__version__"):
            found.append((line, room, module))
    return found


def may_import(source: Source, room: str) -> bool:
    if source.room in LINE:
        return room in LINE[: LINE.index(source.room)]
    if room == "foundation":
        return True
    if room in ROOMS:
        return source.room not in NO_ROOMS
    return room in DOORS[source.room]


def is_pure(source: Source) -> bool:
    return source.room == "rendering" or (source.room in ROOMS and source.name in PURE_FILES)


def is_table(name: str) -> bool:
    module = module_of(name) if name.startswith("mailer.") else ""
    shown = (
        getattr(importlib.import_module(module), name.rpartition(".")[2], None) if module else None
    )
    return inspect.isclass(shown) and issubclass(shown, Model)


def test_every_part_of_the_house_has_its_place() -> None:
    assert {source.room for source in sources()} <= {*LINE, *DOORS}


def test_a_room_imports_only_rooms_above_it() -> None:
    wrong = [
        f"{source.path}:{line}: {source.room or source.path} may not import {room}"
        for source in sources()
        for line, room, _ in ours(source)
        if not may_import(source, room)
    ]
    refuse(wrong)


def test_rooms_are_entered_by_their_faces() -> None:
    wrong = [
        f"{source.path}:{line}: {module} lies inside {room}"
        for source in sources()
        for line, room, module in ours(source)
        # Paths of jobs are a wire format and therefore public; the foundation has no face.
        if module.count(".") > 1 and room not in ("foundation", "jobs")
    ]
    refuse(wrong)


def test_rendering_knows_nothing_but_the_foundation() -> None:
    assert {
        room for source in sources() if source.room == "rendering" for _, room, _ in ours(source)
    } <= {"foundation"}


def test_the_two_sides_of_the_web_do_not_know_each_other() -> None:
    wrong = [
        f"{source.path}:{line}: {name}"
        for source in sources()
        for line, name in source.imports()
        for side, other in (("public", "admin"), ("admin", "public"))
        if source.module.startswith(f"mailer.web.{side}") and name.startswith(f"mailer.web.{other}")
    ]
    refuse(wrong)


def test_rooms_know_no_framework() -> None:
    wrong = [
        f"{source.path}:{line}: {name}"
        for source in sources()
        if source.room in ROOMS
        for line, name in source.imports()
        if name.split(".")[0] in FRAMEWORKS
    ]
    refuse(wrong)


def test_doors_make_no_queries_of_their_own() -> None:
    # An error page must know what a database's errors are called.
    wrong = [
        f"{source.path}:{line}: {name}"
        for source in sources()
        if source.room in DOORS and source.room != "migrations"
        for line, name in source.imports()
        if name.split(".")[0] == "sqlalchemy" and not name.startswith("sqlalchemy.exc.")
    ]
    refuse(wrong)


def test_pure_files_know_no_database_no_clock_and_no_settings() -> None:
    wrong = []
    for source in filter(is_pure, sources()):
        for line, name in source.imports():
            module = module_of(name) if name.startswith("mailer") else ""
            is_impure_own = module.startswith("mailer.foundation") and (
                module not in PURE_FOUNDATION
            )
            if name.split(".")[0] in STATEFUL or is_impure_own:
                wrong.append(f"{source.path}:{line}: {name}")
    refuse(wrong)


def test_tables_are_tied_to_other_rooms_by_keys_and_not_by_classes() -> None:
    refuse(
        [
            f"{source.path}:{line}: {name}"
            for source in sources()
            if source.name == "models.py"
            for line, name in source.imports()
            if is_table(name) and name.split(".")[1] not in (source.room, "foundation")
        ]
    )


def test_imports_stand_at_the_top() -> None:
    wrong = [
        f"{source.path}:{inner.lineno}"
        for source in sources()
        for function in ast.walk(source.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    refuse(wrong)


def test_imports_say_where_from() -> None:
    wrong = [
        f"{source.path}:{line}: {name}"
        for source in sources()
        for line, name in source.imports()
        if name.startswith(".") or name.endswith(".*")
    ]
    refuse(wrong)


def test_the_clock_is_asked_in_one_place() -> None:
    asked = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "utcnow", "today")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    ]
    assert [place.partition(":")[0] for place in asked] == ["mailer/foundation/clock.py"], asked


@pytest.mark.parametrize("name", ["mailer.foundation.database.db", "mailer.consent"])
def test_names_are_traced_to_files_of_ours(name: str) -> None:
    assert module_of(name) in modules()
    assert module_of("elsewhere.name") == ""
