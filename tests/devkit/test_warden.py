from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mailer.devkit.warden import Launch, Warden
from mailer.devkit.warden_process import is_alive, read_guarded
from tests.support.processes import list_marked
from tests.support.waiting import wait_for

SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def mark() -> str:
    return f"mark-{secrets.token_hex(8)}"


def test_what_is_still_guarded_ends_when_the_warden_is_let_go(mark: str) -> None:
    with Warden() as warden:
        process = warden.launch(Launch([sys.executable, "-c", SLEEP, mark]))
        assert process.poll() is None
    assert process.wait(5) == -signal.SIGTERM


def test_what_was_released_is_gone_with_everything_it_started(mark: str) -> None:
    script = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}, sys.argv[1]])"
    )
    with Warden() as warden:
        process = warden.launch(Launch([sys.executable, "-c", script, mark]))
        wait_for(lambda: len(list_marked(mark)) == 2)
        warden.release(process)
        wait_for(lambda: not list_marked(mark))


def test_the_program_sees_its_environment_an_empty_input_and_its_directory(tmp_path: Path) -> None:
    script = "import os, sys; print(os.environ['COLOUR'], repr(sys.stdin.read()), os.getcwd())"
    with Warden() as warden:
        process = warden.launch(
            Launch(
                [sys.executable, "-c", script],
                env={"COLOUR": "green"},
                output=subprocess.PIPE,
                directory=tmp_path,
            )
        )
        output, _ = process.communicate(timeout=10)
        warden.release(process)
    assert output.decode() == f"green '' {tmp_path}\n"


def test_arguments_reach_the_program_as_they_are() -> None:
    odd = ["$HOME", "a b", '"', "", "-n", "ďž"]
    with Warden() as warden:
        process = warden.launch(
            Launch(
                [sys.executable, "-c", "import sys; print(sys.argv[1:])", *odd],
                output=subprocess.PIPE,
            )
        )
        output, _ = process.communicate(timeout=10)
        warden.release(process)
    assert output.decode() == f"{odd}\n"


def test_stopping_is_polite_first_and_by_force_after_the_grace(mark: str) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True);"
    with Warden() as warden:
        process = warden.launch(
            Launch(
                [sys.executable, "-c", stubborn + SLEEP, mark], grace=0.2, output=subprocess.PIPE
            )
        )
        assert process.stdout is not None
        with process.stdout as output:
            assert output.readline() == b"1\n"
        warden.stop(process)
        assert process.returncode == -signal.SIGKILL
        calm = warden.launch(Launch([sys.executable, "-c", SLEEP, mark]))
        warden.stop(calm)
        assert calm.returncode == -signal.SIGTERM


def test_the_guard_outlives_signals_meant_for_everybody(mark: str) -> None:
    with Warden() as warden:
        process = warden.launch(Launch([sys.executable, "-c", SLEEP, mark]))
        wait_for(lambda: list_marked(mark))
        os.kill(warden.pid, signal.SIGTERM)
        os.kill(warden.pid, signal.SIGINT)
    assert process.wait(5) == -signal.SIGTERM


def test_only_what_was_announced_and_not_taken_back_is_guarded() -> None:
    lines = [b"+12 0 1.5\n", b"+13 2 10\n", b"-12\n", b"+14\n", b"\n", b"-99\n"]
    assert read_guarded(lines) == {13: (2, 10.0)}


def test_a_process_that_waits_to_be_collected_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", SLEEP])
    assert is_alive(process.pid)
    process.kill()
    wait_for(lambda: not is_alive(process.pid))
    process.wait()
    assert not is_alive(process.pid)
