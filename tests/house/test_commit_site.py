"""Rooms never commit; doors open a unit of work, and that commits in one place."""

from __future__ import annotations

import ast

from tests.house.sources import Source, refuse, sources


def calls(source: Source, name: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    ]


def test_there_is_one_commit_in_the_house() -> None:
    sites = [f"{source.path}:{line}" for source in sources() for line in calls(source, "commit")]
    assert [site.partition(":")[0] for site in sites] == ["mailer/foundation/database.py"], sites


def test_only_doors_open_a_unit_of_work() -> None:
    doors = ("web", "jobs", "cli", "demo")
    inside_rooms = [
        source.path
        for source in sources()
        if source.room not in doors and source.path != "mailer/foundation/database.py"
        for _, name in source.imports()
        if name == "mailer.foundation.database.unit_of_work"
    ]
    refuse(inside_rooms)


def test_rooms_never_wake_a_worker_themselves() -> None:
    waking = [
        source.path
        for source in sources()
        if source.room not in ("jobs", "reactions", "web", "foundation", "")
        for _, name in source.imports()
        if name.startswith("mailer.foundation.queue")
    ]
    refuse(waking)
