"""Two workers share the visitors, however they come."""

from __future__ import annotations

import http.client
import socket
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.waiting import wait_for

APP = """
import os

def app(environ, start_response):
    pid = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(pid)))])
    return [pid]
"""
VISITORS, LEAST = 16, 8  # left to chance, the one of two workers mostly gets 3 to 7
ROUNDS = 9


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """gunicorn with two of our workers, whose one page tells which of them answered."""
    (tmp_path / "tells_pid.py").write_text(APP)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        words = ("-m", "gunicorn", "tells_pid:app", "--bind", f"fd://{listening.fileno()}")
        words += ("--workers", "2", "--threads", "4", "--pythonpath", str(tmp_path))
        words += ("--worker-class", "mailer.web.serving.Worker", "--no-control-socket")
        with subprocess.Popen(
            [sys.executable, *words, "--log-level", "warning"],
            cwd=Path(__file__).parents[2],
            pass_fds=[listening.fileno()],
        ) as server:
            try:
                yield listening.getsockname()[1]
            finally:
                server.terminate()
                server.wait(30)


def ask(visitor: http.client.HTTPConnection) -> str:
    visitor.request("GET", "/")
    return visitor.getresponse().read().decode()


def come(port: int, undo: ExitStack) -> str:
    """A visitor who stays connected; returns which worker serves them."""
    return ask(undo.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port))))


def both_work(port: int) -> bool:
    try:
        with ExitStack() as undo:
            return len({come(port, undo) for _ in range(VISITORS)}) == 2
    except OSError:
        return False


def test_visitors_who_come_one_after_the_other_are_shared(port: int) -> None:
    wait_for(lambda: both_work(port), timeout=60)
    assert statistics.median(least_served(port) for _ in range(ROUNDS)) >= LEAST


def least_served(port: int) -> int:
    """How many of the visitors the worker with the fewer got."""
    with ExitStack() as undo:
        return min(Counter(come(port, undo) for _ in range(VISITORS)).values())
