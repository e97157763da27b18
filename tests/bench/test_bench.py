"""The measurements run with tiny numbers, end to end, and what they print can be read."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.postfix import is_here
from tests.support.postgres import can_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What `--quick` prints, and what it writes to the file that `--json` names."""
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, file.read_text()


def test_a_quick_run_prints_a_table_and_then_one_json_object(printed: tuple[str, str]) -> None:
    table, _, rest = printed[0].partition("\n\n{")
    shown = json.loads("{" + rest)
    assert shown == json.loads(printed[1])
    for figure in shown["figures"]:
        assert re.search(rf"^{re.escape(figure['name'])} .*{figure['unit']}", table, re.MULTILINE)
        assert figure["lowest"] <= figure["median"] <= figure["highest"]
        assert figure["lowest"] > 0
        assert len(figure["values"]) >= 1


def test_every_part_is_measured_on_every_database_here(printed: tuple[str, str]) -> None:
    shown = json.loads(printed[1])
    names = {figure["name"] for figure in shown["figures"]}
    databases = ["SQLite", "PostgreSQL"] if can_run() else ["SQLite"]
    for database in databases:
        assert {
            f"sending, {database}: on the wire",
            f"sending, {database}: ratio to the bare sender",
            f"planning, {database}",
            f"signing up, {database}, with the mail worker",
            f"signing up, {database}, no mail worker",
            f"importing, {database}: dry run",
            f"importing, {database}: import",
            f"signing up, {database}, with the mail worker: ratio to the bare page",
            f"signing up, {database}, no mail worker: ratio to the bare page",
        } <= names
        if is_here():
            assert f"sending, {database}, 10 KB, 1 worker: ratio to smtp-source" in names
            assert f"sending, {database}, 10 KB, RSA-2048, 2 workers: workers" in names
    assert "signing up, SQLite: ratio with to without the log" in names
    assert {"first start, with migration and demo", "second start", "embed.js"} <= names
    assert (shown["machine"]["PostgreSQL"] == "none") is not can_run()


def test_targets_stand_beside_what_was_measured(printed: tuple[str, str]) -> None:
    figures = {figure["name"]: figure for figure in json.loads(printed[1])["figures"]}
    assert (
        figures["signing up, SQLite, no mail worker: ratio to the bare page"]["at_least"] == 0.1875
    )
    assert "at_least" not in figures["signing up, SQLite, with the mail worker"]
    assert figures["audience of 1,000: worker, peak"]["at_most"] == 100
    assert re.search(
        r"^audience of 1,000: worker, peak .* MB +at most 100$", printed[0], re.MULTILINE
    )
    if is_here():
        ratio = figures["sending, SQLite, 10 KB, 1 worker: ratio to smtp-source"]
        assert ratio["at_least"] == 1.2
        assert re.search(rf"^{ratio['name']} .*× +at least 1.2$", printed[0], re.MULTILINE)


def test_the_public_page_is_as_small_as_intended(printed: tuple[str, str]) -> None:
    figures = {figure["name"]: figure for figure in json.loads(printed[1])["figures"]}
    page = figures["public form page with stylesheet"]
    assert 1_000 < page["median"] < page["at_most"]


def test_an_interrupted_run_shows_what_it_has_measured() -> None:
    words = [sys.executable, "-m", "bench", "--quick", "--only", "composing", "--only", "log"]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        said = []
        for line in running.stderr:  # each part is shown when it is done
            said.append(line)
            if line.startswith("measuring: log"):
                break
        running.send_signal(signal.SIGTERM)
        printed, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert any(line.startswith("composing") and "CPU µs/mail" in line for line in said)
    shown = json.loads("{" + printed.partition("\n\n{")[2])
    assert {figure["name"].partition(" ")[0].strip(",") for figure in shown["figures"]} >= {
        "composing"
    }
    assert "log was interrupted: it is not whole, and what follows is missing." in shown["notes"]
