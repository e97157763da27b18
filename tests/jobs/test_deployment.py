"""What stands in deploy/ starts every part there is, with words that the parts understand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mailer.foundation.queue import QUEUES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def _workers() -> dict[str, list[str]]:
    """The words after worker.py, by the file that starts it."""
    found: dict[str, list[str]] = {}
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        for line in re.findall(r"^ExecStart=.*worker\.py (.+)$", unit.read_text(), re.MULTILINE):
            found.setdefault(unit.name, []).append(line)
    compose = (DEPLOY / "compose.yaml").read_text()
    for line in re.findall(r'"worker\.py", (.+)\]', compose):
        found.setdefault("compose.yaml", []).append(line.replace('"', "").replace(",", ""))
    return found


def test_every_queue_and_the_clock_are_started_both_ways() -> None:
    workers = _workers()
    in_compose = " ".join(workers.pop("compose.yaml"))
    for queue in QUEUES:
        assert f"--queue {queue}" in in_compose
    assert "--clock" in in_compose
    assert "--log" in in_compose
    units = " ".join(line for lines in workers.values() for line in lines)
    for words in ("--queue %i", "--queue bulk --slot %i", "--clock", "--log"):
        assert words in units


@pytest.mark.parametrize("word", ["--queue", "--slot", "--clock", "--log"])
def test_the_worker_knows_the_words_they_use(word: str) -> None:
    helped = subprocess.run(
        [sys.executable, "worker.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert word in helped.stdout


def test_a_unit_stands_in_the_operations_page_as_it_is_here() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for name in ("mailer-web.service", "mailer-worker@.service", "mailer-log.service"):
        body = (DEPLOY / "systemd" / name).read_text()
        exec_start = re.findall(r"^ExecStart=.+$", body, re.MULTILINE)
        assert exec_start[0] in page, name
