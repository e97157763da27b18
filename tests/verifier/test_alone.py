"""verify.py is one file that needs nothing of ours; it answers hostile files with a sentence, never a crash."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.cli.commands import main
from mailer.verifier.verify import Policy, verify
from tests.support.verifying import ROOT, VECTORS, read_vector

PROGRAM = ROOT / "mailer" / "verifier" / "verify.py"
POLICY = Policy.read((VECTORS / "full.txt").read_bytes())


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """verify.py in a directory of its own."""
    return Path(shutil.copy(PROGRAM, tmp_path / "verify.py"))


def run(alone: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """In isolated mode: no PYTHONPATH, no directory of ours, no user's packages."""
    return subprocess.run(
        [sys.executable, "-I", alone, *map(str, arguments)],
        cwd=alone.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.requirement("T-041")
def test_the_program_runs_alone_and_its_exit_status_is_the_answer(alone: Path) -> None:
    policy = VECTORS / "full.txt"
    good = run(alone, VECTORS / "good.zip", "--policy", policy)
    assert (good.returncode, good.stderr) == (0, "")
    assert "Everything that the policy demands is verified." in good.stdout
    bad = run(alone, VECTORS / "bad-quorum.zip", "--policy", policy)
    assert bad.returncode == 1
    assert "[FAILED] Witnesses: Quorum not reached (1 of 2: w1.example)." in bad.stdout
    assert "NOT VERIFIED" in bad.stdout


def test_each_check_is_a_line_of_its_own(alone: Path) -> None:
    told = run(alone, VECTORS / "good.zip", "--policy", VECTORS / "full.txt").stdout.splitlines()
    titles = [line[9:].partition(":")[0] for line in told if line.startswith("[")]
    assert titles == [
        "File", "Members", "Maker", "Payload", "Texts", "Mail", "Leaf", "Inclusion",
        "Log signature", "Witnesses", "Time stamp", "Later events",
    ]  # fmt: skip


def test_a_question_put_wrongly_is_status_2(alone: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("log nonsense\nquorum none\n")
    for arguments in (
        [],
        [VECTORS / "good.zip"],
        [tmp_path / "missing.zip", "--policy", VECTORS / "full.txt"],
        [VECTORS / "good.zip", "--policy", tmp_path / "missing.txt"],
        [VECTORS / "good.zip", "--policy", wrong],
    ):
        answer = run(alone, *arguments)
        assert answer.returncode == 2, answer
        assert answer.stderr
    assert "Line 1 of the policy cannot be understood." in run(alone, VECTORS / "good.zip", "--policy", wrong).stderr  # fmt: skip


def test_the_report_can_be_read_by_programs(alone: Path) -> None:
    answer = run(alone, VECTORS / "good.zip", "--policy", VECTORS / "log-alone.txt", "--json")
    told = json.loads(answer.stdout)
    assert told["ok"] is True
    assert told["lines"]["witnesses"]["status"] == "none"


def test_the_only_package_it_needs_is_cryptography() -> None:
    tree = ast.parse(PROGRAM.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in imports
    }
    names = {name.split(".")[0] for name in names}
    assert names - sys.stdlib_module_names == {"cryptography"}


def test_the_command_of_the_service_answers_like_the_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy = str(VECTORS / "full.txt")
    assert main(["verify", str(VECTORS / "good.zip"), "--policy", policy]) == 0
    assert "[  ok  ] Inclusion" in capsys.readouterr().out
    assert main(["verify", str(VECTORS / "bad-path.zip"), "--policy", policy]) == 1
    assert main(["verify", str(VECTORS / "none.zip"), "--policy", policy]) == 2


def test_control_characters_in_a_bundle_do_not_reach_the_terminal(alone: Path) -> None:
    answer = run(alone, VECTORS / "bad-json-not-utf8.zip", "--policy", VECTORS / "full.txt")
    assert answer.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bundle_that_was_packed_anew_is_no_bundle(tmp_path: Path, compression: int) -> None:
    again = tmp_path / "again.zip"
    with (
        zipfile.ZipFile(VECTORS / "good.zip") as old,
        zipfile.ZipFile(again, "w", compression) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    report = verify(again.read_bytes(), POLICY)
    assert report.statuses["file"] == "failed"
    assert not report.is_good


def test_a_bundle_can_be_opened_by_any_zip_program() -> None:
    with zipfile.ZipFile(VECTORS / "good.zip") as bundle:
        assert bundle.testzip() is None
        assert bundle.namelist() == sorted(bundle.namelist())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=40), st.integers(0, 40))
def test_whatever_is_put_into_a_bundle_it_is_answered(at: int, noise: bytes, cut: int) -> None:
    body = read_vector("good.zip")
    place = at % len(body)
    changed = body[:place] + noise + body[place + cut :]
    assert verify(changed, POLICY).is_good == (changed == body)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_answered(noise: bytes) -> None:
    assert not verify(noise, POLICY).is_good
