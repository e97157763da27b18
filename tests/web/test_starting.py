"""How the programs start: what is set wrongly is one line, and no file of theirs is open to others."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import environ_for
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
GUNICORN = (sys.executable, "-m", "gunicorn", "wsgi:app", "--no-control-socket")


def begin(environ: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """Start a program in a shell's usual umask."""
    return subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o022,
    )


def run(environ: dict[str, str], *words: str) -> tuple[int, str]:
    """The exit status and the output of a program that ends by itself."""
    with begin(environ, *words) as process:
        said, _ = process.communicate(timeout=60)
    return process.returncode, said


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
    return port


def answers(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5))
    except OSError:
        return False


@pytest.mark.parametrize(
    "changes",
    [
        {"MAILER_SMTP_CONNECTIONS": "many"},
        {"MAILER_ADMIN_URL": "http://LOCALHOST.:8080"},
    ],
    ids=["a value that is none", "one host for team and public"],
)
def test_what_is_set_wrongly_is_one_line_from_gunicorn(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    environ = environ_for(tmp_path, **changes)
    bind = ("--bind", f"127.0.0.1:{free_port()}")
    status, said = run(environ, *GUNICORN, *bind, "--preload", "--log-level", "warning")
    assert status != 0
    (line,) = said.splitlines()
    assert line.startswith(next(iter(changes)))
    status, said = run(environ, *GUNICORN, *bind)  # without --preload it does not try for ever
    assert status != 0
    assert line in said
    assert "Traceback" not in said


def test_no_file_that_a_program_makes_is_open_to_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environ = environ_for(data)
    cli = (sys.executable, "-m", "mailer")
    owner = ("create-owner", "--organisation", "B", "--name", "Ada", "--address", "ada@example.org")
    assert run(environ, *cli, "upgrade")[0] == 0
    (data / "mailer.db").chmod(0o644)  # as an earlier version left it
    assert run(environ, *cli, "upgrade")[0] == 0
    assert run(environ, *cli, *owner)[0] == 0
    port = free_port()
    web = begin(environ, *GUNICORN, "--bind", f"127.0.0.1:{port}", "--preload")
    workers = [
        begin(environ, sys.executable, "worker.py", "--queue", "first"),
        begin(environ, sys.executable, "worker.py", "--log"),
    ]
    try:
        wait_for(lambda: answers(port) and (data / "log" / "key").exists(), timeout=60)
        wait_for(lambda: list((data / "journal").glob("*")), timeout=60)
    finally:
        for process in (web, *workers):
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    made = [data, *data.rglob("*")]
    assert len(made) > 8
    assert [path for path in made if stat.S_IMODE(path.lstat().st_mode) & stat.S_IRWXO] == []
