"""What the tests of the house look at: every file of ours, read once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENTRIES = ("wsgi.py", "worker.py")


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, the dotted name it is imported by, its tree."""

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The part below mailer it stands in: a room, a door, or a single file; empty for none."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 1 else ""

    @property
    def name(self) -> str:
        return Path(self.path).name

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything imported; `from a import b` gives `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                # A relative import has no place here; the dot shows it.
                start = "." * node.level + (node.module or "")
                yield from ((node.lineno, f"{start}.{name.name}") for name in node.names)


def read(path: Path) -> Source:
    relative = path.relative_to(ROOT)
    text = path.read_text(encoding="utf-8")
    module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    return Source(str(relative), module, text, ast.parse(text, str(relative)))


@cache
def sources() -> tuple[Source, ...]:
    """The service's own files, without migrations, which are a record of what was."""
    paths = [*sorted((ROOT / "mailer").rglob("*.py")), *(ROOT / name for name in ENTRIES)]
    return tuple(read(path) for path in paths if path.exists() and "versions" not in path.parts)


@cache
def suite() -> tuple[Source, ...]:
    return tuple(read(path) for path in sorted((ROOT / "tests").rglob("*.py")))


@cache
def modules() -> frozenset[str]:
    """Every dotted name that is a file or package of ours."""
    return frozenset(source.module for source in sources())


def refuse(wrong: list[str]) -> None:
    """Fail with every line of what is wrong, not with the first few."""
    assert not wrong, "\n" + "\n".join(wrong)
