"""A host of one's own on this machine: a network namespace behind a cable that can be pulled out."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@functools.cache
def can_plug() -> bool:
    """Whether this process may make network namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"mt{secrets.token_hex(4)}"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if done.returncode == 0:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return done.returncode == 0


@dataclass(frozen=True, slots=True)
class Cable:
    """What joins the namespace `name` to us, who are `address` on it."""

    name: str
    address: str

    @property
    def within(self) -> tuple[str, ...]:
        """The command that starts another one in there."""
        return ("ip", "netns", "exec", self.name)

    def pull(self) -> None:
        """From now on nothing gets through, and nobody is told so."""
        _ip("link", "set", self.name, "down")

    def plug(self) -> None:
        _ip("link", "set", self.name, "up")


@contextmanager
def lay_cable() -> Iterator[Cable]:
    """Make a namespace and a cable to it; both are gone afterwards."""
    name = f"mt{secrets.token_hex(4)}"
    third, fourth = secrets.randbelow(250), 4 * secrets.randbelow(60)
    here, there = (f"10.231.{third}.{fourth + number}" for number in (1, 2))
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", name)
        _ip("address", "add", f"{here}/30", "dev", name)
        _ip("link", "set", name, "up")
        _ip("-n", name, "address", "add", f"{there}/30", "dev", "uplink")
        _ip("-n", name, "link", "set", "uplink", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Cable(name, here)
    finally:
        _ip("netns", "delete", name)


@contextmanager
def forward(address: str, target: Path) -> Iterator[int]:
    """Pass connections to a port of `address` on to the Unix socket `target`; the port."""
    listener = socket.create_server((address, 0))
    lines: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                one, _ = listener.accept()
                other = socket.socket(socket.AF_UNIX)
                other.connect(str(target))
            except OSError:
                return
            lines.extend((one, other))
            for pair in ((one, other), (other, one)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
