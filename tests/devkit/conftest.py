from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.devkit.ports import accepts_connections
from mailer.devkit.warden import Launch, Warden
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def pick_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serve(verb: str, box: Path, keyword: str = "") -> Iterator[int]:
    """Run one of the devkit's servers as a program of its own; yield its port."""
    port = pick_port()
    script = (
        "import pathlib, sys; from mailer import devkit;"
        f"devkit.{verb}(pathlib.Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]){keyword})"
    )
    with Warden() as warden:
        process = warden.launch(
            Launch([sys.executable, "-c", script, str(box), str(port)], directory=ROOT)
        )
        wait_for(accepts_connections("127.0.0.1", port))
        yield port
        warden.stop(process)


@pytest.fixture
def catcher(box: Path) -> Iterator[int]:
    yield from serve("serve_catcher", box)


@pytest.fixture
def inbox_port(box: Path) -> Iterator[int]:
    yield from serve("serve_inbox", box)
