"""Figures: several measurements of one thing, and how they are shown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured several times; `most` and `least` are the bounds of what is intended."""

    name: str
    unit: str
    values: Sequence[float]
    most: float | None = None
    least: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "name": self.name,
            "unit": self.unit,
            "median": _rounded(self.median),
            "lowest": _rounded(min(self.values)),
            "highest": _rounded(max(self.values)),
            "values": [_rounded(value) for value in self.values],
        }
        bounds = {"at_most": self.most, "at_least": self.least}
        return {**shown, **{name: bound for name, bound in bounds.items() if bound is not None}}

    @property
    def target(self) -> str:
        """What is intended, in words; empty when nothing is."""
        if self.least is not None:
            return f"at least {_shown(self.least)}"
        return "" if self.most is None else f"at most {_shown(self.most)}"


@dataclass(slots=True)
class Sheet:
    """Everything measured in one run, in order, with what a reader has to know."""

    machine: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _measured: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _targets: dict[tuple[str, str], tuple[float | None, float | None]] = field(default_factory=dict)

    def add(
        self,
        name: str,
        unit: str,
        value: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """One measurement; further ones of the same name and unit join it. The bounds are targets."""
        self._measured.setdefault((name, unit), []).append(value)
        self._targets[name, unit] = at_most, at_least

    def close_group(self, **at_most: float) -> None:
        """Make figures of what was added since the last call; `at_most` holds targets by unit."""
        for (name, unit), values in self._measured.items():
            most, least = self._targets[name, unit]
            self.figures.append(Figure(name, unit, values, at_most.get(unit, most), least))
        self._measured.clear()
        self._targets.clear()

    def as_json(self) -> str:
        shown = {
            "machine": self.machine,
            "notes": self.notes,
            "figures": [figure.as_json() for figure in self.figures],
        }
        return json.dumps(shown, indent=2, ensure_ascii=False)

    def as_table(self) -> str:
        lines = [f"{name}: {fact}" for name, fact in self.machine.items()]
        return "\n".join([*lines, "", self.rows(), "", *(f"- {note}" for note in self.notes)])

    def rows(self, first: int = 0) -> str:
        """The figures from the `first` on, one to a line, under a heading."""
        rows = [("", "median", "lowest", "highest", "", "")]
        rows += [
            (
                figure.name,
                _shown(figure.median),
                _shown(min(figure.values)),
                _shown(max(figure.values)),
                figure.unit,
                figure.target,
            )
            for figure in self.figures[first:]
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(6)]
        return "\n".join(_line(row, widths) for row in rows)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers, unit, target = row
    cells = [name.ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(numbers, widths[1:4], strict=True)]
    return "  ".join([*cells, unit.ljust(widths[4]), target]).rstrip()


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)


def _shown(value: float) -> str:
    return f"{_rounded(value):,.10g}"
