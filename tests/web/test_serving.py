"""Two workers share the visitors, however they come."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.waiting import wait_for

PATIENCE = 3.0  # seconds
APP = """
import os
from mailer.web.serving import Worker

class Patient(Worker):
    patience_seconds = PATIENCE

class Impatient(Worker):
    header_seconds = body_seconds = 0.5

def app(environ, start_response):
    environ["wsgi.input"].read()
    pid = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(pid)))])
    return [pid]
"""
ROOT = Path(__file__).parents[2]
VISITORS, LEAST = 16, 8  # left to chance, the one of two workers mostly gets 3 to 7
ROUNDS = 9


@contextmanager
def serving(directory: Path, worker_class: str) -> Iterator[int]:
    """gunicorn with two workers, whose one page tells which of them answered; the port."""
    (directory / "tells_pid.py").write_text(f"PATIENCE = {PATIENCE}\n{APP}")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        words = f"tells_pid:app --bind fd://{listening.fileno()} --worker-class {worker_class}"
        words += " --workers 2 --threads 4 --keep-alive 60 --no-control-socket --log-level warning"
        with subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *words.split()],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}"},
            pass_fds=[listening.fileno()],
        ) as server:
            try:
                yield listening.getsockname()[1]
            finally:
                server.terminate()
                server.wait(30)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with serving(tmp_path, "mailer.web.serving.Worker") as port:
        yield port


@pytest.fixture
def patient_port(tmp_path: Path) -> Iterator[int]:
    """The same, where a worker waits for the other however busy the machine is."""
    with serving(tmp_path, "tells_pid.Patient") as port:
        yield port


@pytest.fixture
def impatient_port(tmp_path: Path) -> Iterator[int]:
    """The same, where a request has half a second to arrive."""
    with serving(tmp_path, "tells_pid.Impatient") as port:
        yield port


def ask(visitor: http.client.HTTPConnection) -> str:
    visitor.request("GET", "/")
    return visitor.getresponse().read().decode()


def come(port: int, undo: ExitStack) -> str:
    """A visitor who stays connected; returns which worker serves them."""
    return ask(
        undo.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)))
    )


def both_work(port: int) -> bool:
    try:
        with ExitStack() as undo:
            return len({come(port, undo) for _ in range(VISITORS)}) == 2
    except OSError:
        return False


def test_visitors_who_come_one_after_the_other_are_shared(patient_port: int) -> None:
    wait_for(lambda: both_work(patient_port), timeout=60)
    assert statistics.median(least_served(patient_port) for _ in range(ROUNDS)) >= LEAST


def test_a_worker_that_hangs_is_waited_for_once(patient_port: int) -> None:
    wait_for(lambda: both_work(patient_port), timeout=60)
    with ExitStack() as undo:
        undo.enter_context(suppress(ProcessLookupError))  # gunicorn ends who hangs for long
        hanging = int(come(patient_port, undo))
        os.kill(hanging, signal.SIGSTOP)
        undo.callback(os.kill, hanging, signal.SIGCONT)
        since = time.monotonic()
        assert hanging not in {int(come(patient_port, undo)) for _ in range(VISITORS)}
        assert time.monotonic() - since < VISITORS / 2 * PATIENCE


def least_served(port: int) -> int:
    """How many of the visitors the worker with the fewer got."""
    with ExitStack() as undo:
        return VISITORS - max(Counter(come(port, undo) for _ in range(VISITORS)).values())


SLOW = (
    b"",
    b"GET / HTTP/1.1\r\nHost: a.example\r\n",
    b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf",
)


def begin(port: int, said: bytes, undo: ExitStack) -> socket.socket:
    """A visitor who begins a request and does not end it."""
    visitor = undo.enter_context(socket.create_connection(("127.0.0.1", port)))
    visitor.settimeout(30)
    visitor.sendall(said)
    return visitor


@pytest.mark.parametrize("said", SLOW, ids=["nothing", "half a header", "half a body"])
def test_forty_slow_visitors_keep_nobody_waiting(port: int, said: bytes) -> None:
    wait_for(lambda: both_work(port), timeout=60)
    with ExitStack() as undo:
        slow = [begin(port, said, undo) for _ in range(40)]
        for _ in range(8):
            assert come(port, undo)
        assert [visitor for visitor in slow if is_over(visitor)] == []


def is_over(visitor: socket.socket) -> bool:
    visitor.setblocking(False)
    try:
        return visitor.recv(1) == b""
    except BlockingIOError:
        return False


def test_a_request_that_comes_in_pieces_is_answered(port: int) -> None:
    wait_for(lambda: both_work(port), timeout=60)
    whole = SLOW[2] + b" more"
    with ExitStack() as undo:
        visitor = begin(port, whole[:1], undo)
        for octet in whole[1:]:
            visitor.sendall(bytes([octet]))
        assert visitor.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "said",
    [
        *SLOW,
        b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9000000\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha",
    ],
    ids=["nothing", "half a header", "half a body", "half a large body", "half a chunk"],
)
def test_a_request_has_its_time(impatient_port: int, said: bytes) -> None:
    wait_for(lambda: both_work(impatient_port), timeout=60)
    with ExitStack() as undo:
        visitor = begin(impatient_port, said, undo)
        with suppress(ConnectionResetError):
            assert b"200" not in visitor.recv(1000)
