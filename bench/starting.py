"""Starting the whole service: from the command to its greeting."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from bench.figures import Sheet
from bench.places import Ground
from tests.support.running import run_mailer

MOST_SECONDS = 5.0
ROUND_SECONDS = 20.0  # no further round is begun after these


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add the seconds of a first start, which makes database and demo, and of a second one."""
    for _ in ground.rounds(ROUND_SECONDS):
        directory = ground.new_directory()
        sheet.add("first start, with migration and demo", "s", _start(directory))
        sheet.add("second start", "s", _start(directory))
    sheet.close_group(s=MOST_SECONDS)
    sheet.notes.append(
        "starting: installed already; from the command until the greeting is printed and /health answers."
    )


def _start(directory: Path) -> float:
    began = time.perf_counter()
    with run_mailer(directory) as service:
        with urllib.request.urlopen(f"{service.web}/health", timeout=10) as answer:
            if answer.status != 200:
                raise RuntimeError(f"/health answers {answer.status}")
        return time.perf_counter() - began
