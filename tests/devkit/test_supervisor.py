from __future__ import annotations

import os
import pty
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from mailer.devkit.supervisor import Child, Supervisor
from tests.support.processes import list_marked, pids_marked
from tests.support.waiting import wait_for

PROGRAM = Path(__file__).with_name("supervised.py")
ROOT = Path(__file__).parents[2]


class Run:
    """A supervisor running as a program of its own, its output collected in a file."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.mark = f"mark-{secrets.token_hex(8)}"
        self.directory = directory / "var"
        self.log = directory / "output"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(self.directory), self.mark, kind],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def says(self, text: str) -> Callable[[], bool]:
        return lambda: text in self.output

    def children(self) -> list[int]:
        return [pid for pid in pids_marked(self.mark) if pid != self.process.pid]

    def redis_pids(self) -> list[int]:
        return [pid for pid in pids_marked(str(self.directory)) if pid != self.process.pid]

    def is_gone(self) -> bool:
        return not list_marked(self.mark) and not list_marked(str(self.directory))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Run]]:
    runs: list[Run] = []

    def start(kind: str = "calm") -> Run:
        runs.append(Run(tmp_path, kind))
        return runs[-1]

    yield start
    for one in runs:
        with suppress(ProcessLookupError):
            one.process.kill()
        one.process.wait()
    for one in runs:
        wait_for(one.is_gone)


def ready(run: Callable[..., Run], kind: str = "calm") -> Run:
    one = run(kind)
    wait_for(one.says("all is ready"))
    wait_for(lambda: one.output.count("awake") == (1 if kind == "failing" else 2))
    return one


def test_lines_of_the_children_carry_their_names_without_colours(run: Callable[..., Run]) -> None:
    one = ready(run)
    assert "first  awake\n" in one.output
    assert "second awake\n" in one.output
    assert "\x1b[" not in one.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_nothing(
    run: Callable[..., Run], number: signal.Signals
) -> None:
    one = ready(run)
    one.process.send_signal(number)
    assert one.process.wait(10) == 0
    assert one.is_gone()
    # Redis 7 and later keep a folder of files.
    (kept,) = one.directory.iterdir()
    assert kept.name in ("appendonly.aof", "appendonlydir")


def test_a_killed_supervisor_leaves_no_process(run: Callable[..., Run]) -> None:
    one = ready(run)
    assert len(one.children()) == 2
    one.process.kill()
    one.process.wait()
    wait_for(one.is_gone)
    assert not (one.directory / "redis.sock").exists()


def test_a_killed_supervisor_leaves_not_even_a_stubborn_process(run: Callable[..., Run]) -> None:
    one = ready(run, "stubborn")
    one.process.kill()
    one.process.wait()
    wait_for(one.is_gone)


def test_after_a_kill_the_next_run_starts_with_the_same_data(run: Callable[..., Run]) -> None:
    one = ready(run)
    with redis.Redis(unix_socket_path=str(one.directory / "redis.sock")) as client:
        client.set("kept", "yes")
    one.process.kill()
    one.process.wait()
    wait_for(one.is_gone)
    two = ready(run)
    with redis.Redis(unix_socket_path=str(two.directory / "redis.sock")) as client:
        assert client.get("kept") == b"yes"


def test_a_killed_child_is_started_again(run: Callable[..., Run]) -> None:
    one = ready(run)
    before = one.children()
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: one.output.count("awake") == 3)
    assert "was ended by SIGKILL; starting it again" in one.output
    after = one.children()
    assert len(after) == 2
    assert len(set(before) & set(after)) == 1


def test_a_child_that_is_killed_again_and_again_stops_nobody(run: Callable[..., Run]) -> None:
    one = ready(run)
    for deaths in range(1, 6):
        os.kill(one.children()[0], signal.SIGKILL)
        wait_for(lambda deaths=deaths: one.output.count("awake") == 2 + deaths)
    assert "stopping" not in one.output
    assert one.process.poll() is None


def test_a_killed_redis_comes_back_on_the_same_socket_with_its_data(
    run: Callable[..., Run],
) -> None:
    one = ready(run)
    [before] = one.redis_pids()

    def read_back() -> bytes | None:
        with (
            suppress(redis.ConnectionError),
            redis.Redis(unix_socket_path=str(one.directory / "redis.sock")) as client,
        ):
            kept: bytes | None = client.get("kept")
            return kept
        return None

    with redis.Redis(unix_socket_path=str(one.directory / "redis.sock")) as client:
        client.set("kept", "yes")
    os.kill(before, signal.SIGKILL)
    wait_for(one.says("redis was ended by SIGKILL"))
    assert wait_for(read_back) == b"yes"
    assert one.redis_pids() != [before]


def test_a_child_that_keeps_failing_stops_everything_and_is_quoted(run: Callable[..., Run]) -> None:
    one = run("failing")
    assert one.process.wait(30) == 1
    assert "first ended with exit code 1, 5 times in a row; stopping" in one.output
    assert one.output.rindex("no such table: mailing_lists") > one.output.index("5 times in a row")
    assert one.is_gone()


def test_the_lower_stop_order_is_gone_before_the_higher_is_asked(run: Callable[..., Run]) -> None:
    one = ready(run, "stubborn")
    one.process.terminate()
    assert one.process.wait(10) == 0
    assert one.output.index("first does not stop; killed") < one.output.index("second goes")


def test_what_a_child_has_started_ends_with_it(run: Callable[..., Run]) -> None:
    one = ready(run, "family")
    [parent] = pids_marked("subprocess.run", parent=one.process.pid)
    before = set(one.children())
    assert len(before) == 3
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: one.output.count("awake") == 3)
    assert len(one.children()) == 3
    assert len(before & set(one.children())) == 1


def test_a_killed_warden_is_replaced_before_the_next_start(run: Callable[..., Run]) -> None:
    one = ready(run)
    [warden] = pids_marked("warden_process", parent=one.process.pid)
    os.kill(warden, signal.SIGKILL)
    os.kill(one.children()[0], signal.SIGKILL)
    wait_for(lambda: one.output.count("awake") == 3)
    one.process.kill()
    one.process.wait()
    wait_for(one.is_gone)


def test_a_full_pipe_that_nobody_reads_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    script = (
        "import sys; from mailer.devkit import Child, Supervisor;"
        "Supervisor([Child('loud', [sys.executable, '-c',"
        " \"while True: print('x' * 100)\", sys.argv[1]])]).run()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, mark], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        wait_for(lambda: len(pids_marked(mark)) == 2)
        process.terminate()
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()
    wait_for(lambda: not list_marked(mark))


def test_when_the_reader_of_its_output_goes_everything_stops(tmp_path: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    script = (
        "import sys; from mailer.devkit import Child, Supervisor;"
        "Supervisor([Child('loud', [sys.executable, '-c',"
        " \"while True: print('x' * 100)\", sys.argv[1]])]).run()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, mark], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loud   " + b"x" * 100 + b"\n"
        process.stdout.close()
        assert process.wait(10) == 0
    wait_for(lambda: not list_marked(mark))


def test_on_a_terminal_the_names_are_coloured() -> None:
    ours, theirs = pty.openpty()
    script = (
        "import sys; from mailer.devkit import Child, Supervisor;"
        "Supervisor([Child('only', [sys.executable, '-c', 'print(1)'])]).run()"
    )
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=theirs, stderr=theirs, cwd=ROOT, env=env
    ) as process:
        os.close(theirs)
        try:
            assert os.read(ours, 1000).startswith(b"\x1b[36monly  \x1b[0m 1")
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
            os.close(ours)


def test_a_closed_terminal_stops_even_what_prints_nothing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    mark = f"mark-{secrets.token_hex(8)}"
    script = (
        "import sys; from mailer.devkit import Child, Supervisor;"
        "supervisor = Supervisor([Child('only', [sys.executable, '-c',"
        " 'import time; time.sleep(600)', sys.argv[1]])], on_ready=lambda: supervisor.say('up'));"
        "sys.exit(supervisor.run())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, mark],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    ) as process:
        os.close(theirs)
        try:
            assert b"up" in os.read(ours, 1000)
            os.close(ours)
            assert process.wait(10) == 0
        finally:
            process.kill()
    wait_for(lambda: not list_marked(mark))


def test_a_child_waits_for_those_it_comes_after(tmp_path: Path) -> None:
    written = tmp_path / "written"
    script = (
        "import sys, time, pathlib; from mailer.devkit import Child, Supervisor;"
        "path = pathlib.Path(sys.argv[1]);"
        "write = 'import sys, time, pathlib; time.sleep(0.3);'"
        " 'pathlib.Path(sys.argv[1]).touch(); time.sleep(600)';"
        "look = 'import sys, time, pathlib; print(pathlib.Path(sys.argv[1]).exists()); time.sleep(600)';"
        "Supervisor([Child('look', [sys.executable, '-c', look, str(path)], after=('write',)),"
        "Child('write', [sys.executable, '-c', write, str(path)], ready=path.exists)]).run()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(written)], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"look   True\n"
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_children_must_have_names_of_their_own_and_wait_for_known_ones() -> None:
    with pytest.raises(ValueError, match="names of their own"):
        Supervisor([Child("web", ["true"]), Child("web", ["true"])])
    with pytest.raises(ValueError, match="known ones"):
        Supervisor([Child("web", ["true"], after=("redis",))])
