"""Postfix's own test programs, smtp-source and smtp-sink, where they are installed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.places import HOST, Ground, free_port
from mailer.devkit import accepts_connections
from tests.support.waiting import wait_for


def is_here() -> bool:
    """Whether both programs are installed."""
    return shutil.which("smtp-source") is not None and shutil.which("smtp-sink") is not None


@contextmanager
def smtp_sink(ground: Ground) -> Iterator[int]:
    """A running smtp-sink; yields its port."""
    port = free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    words = ["smtp-sink", *user, f"{HOST}:{port}", "512"]
    with ground.program(*words, environ={}, log=subprocess.DEVNULL):
        wait_for(accepts_connections(HOST, port), timeout=10)
        yield port


def smtp_source(port: int, mails: int, octets: int, connections: int) -> tuple[float, float]:
    """Mails a second and processor µs a mail of smtp-source."""
    words = f"smtp-source -d -s {connections} -m {mails} -l {octets} {HOST}:{port}"
    before, began = _cpu_of_children(), time.monotonic()
    subprocess.run(words.split(), check=True, timeout=120)
    took = time.monotonic() - began
    return mails / took, (_cpu_of_children() - before) / mails * 1e6


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
