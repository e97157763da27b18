"""The transport alone: one process hands ready mails to a receiver, beside Postfix's smtp-source.

No database and no templates; the journal is written.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Sheet
from bench.places import HOST, ROOT, Ground, free_port, python
from mailer.devkit import accepts_connections
from tests.support.waiting import wait_for

SIZES = (10_000, 30_000)  # octets of a mail
USUAL = 16  # connections
CONNECTIONS = (1, 4, 64, 256)  # besides the usual
DELAYS = (5, 20)  # milliseconds until a mail is answered
DELAYED = (16, 256)  # connections
LEAST = 1_000  # mails; with fewer, what is measured says little and less is measured
ROUND_SECONDS = 40.0
RUN_SECONDS = 2.0  # what a run against a slow receiver takes about


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add what the transport costs to `sheet`, run for run beside smtp-source."""
    is_quick = ground.sizes.recipients < LEAST
    has_postfix = shutil.which("smtp-source") and shutil.which("smtp-sink")
    if has_postfix:
        with _smtp_sink(ground) as port:
            for _ in ground.rounds(ROUND_SECONDS):
                for octets in SIZES:
                    _compare(ground, sheet, port, octets, USUAL)
                for connections in () if is_quick else CONNECTIONS:
                    _compare(ground, sheet, port, SIZES[0], connections)
    else:
        sheet.notes.append(
            "engine: smtp-source and smtp-sink (Postfix) are not here to compare with."
        )
    for delay in DELAYS[:1] if is_quick else DELAYS:
        with ground.sink(delay) as port:
            for _ in ground.rounds(ROUND_SECONDS / 4):
                for connections in DELAYED[:1] if is_quick else DELAYED:
                    _send_slowly(ground, sheet, port, delay, connections)
    sheet.close_group()
    sheet.notes.append(
        "engine: ready mails of one process over loopback, journal and callbacks in it, no database; "
        "smtp-source sends as many to the same smtp-sink directly after it. Of the answers after 5 and "
        "20 ms the limit is connections ÷ delay."
    )


def _compare(ground: Ground, sheet: Sheet, port: int, octets: int, connections: int) -> None:
    name = f"engine, {octets // 1000} KB, {connections} connections"
    mails = max(ground.sizes.recipients, 2 * connections)
    rate, cpu = _engine(port, mails, octets, connections)
    other_rate, other_cpu = _smtp_source(port, mails, octets, connections)
    sheet.add(name, "mails/s", rate)
    sheet.add(f"{name}: smtp-source", "mails/s", other_rate)
    sheet.add(f"{name}: ratio to smtp-source", "×", rate / other_rate)
    sheet.add(name, "CPU µs/mail", cpu)
    sheet.add(f"{name}: smtp-source", "CPU µs/mail", other_cpu)
    sheet.add(f"{name}: ratio of processor time", "×", cpu / other_cpu)


def _send_slowly(ground: Ground, sheet: Sheet, port: int, delay: int, connections: int) -> None:
    name = f"engine, 10 KB, {connections} connections, answers after {delay} ms"
    limit = connections / delay * 1000
    mails = min(ground.sizes.recipients * 6, int(limit * RUN_SECONDS))
    rate, cpu = _engine(port, mails, SIZES[0], connections)
    sheet.add(name, "mails/s", rate)
    sheet.add(f"{name}: ratio to the limit", "×", rate / limit)
    sheet.add(name, "CPU µs/mail", cpu)


@contextmanager
def _smtp_sink(ground: Ground) -> Iterator[int]:
    port = free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    words = ["smtp-sink", *user, f"{HOST}:{port}", "512"]
    with ground.program(*words, environ={}, log=subprocess.DEVNULL):
        wait_for(accepts_connections(HOST, port), timeout=10)
        yield port


def _engine(port: int, mails: int, octets: int, connections: int) -> tuple[float, float]:
    """Mails a second and processor µs a mail of the transport in a process of its own."""
    words = python("-m", "bench.ready_mails", *map(str, (port, mails, octets, connections)))
    run = subprocess.run(words, cwd=ROOT, check=True, timeout=120, capture_output=True)
    figures = json.loads(run.stdout)
    return mails / figures["seconds"], figures["cpu_seconds"] / mails * 1e6


def _smtp_source(port: int, mails: int, octets: int, connections: int) -> tuple[float, float]:
    words = f"smtp-source -d -s {connections} -m {mails} -l {octets} {HOST}:{port}"
    before, began = _cpu_of_children(), time.monotonic()
    subprocess.run(words.split(), check=True, timeout=120)
    took = time.monotonic() - began
    return mails / took, (_cpu_of_children() - before) / mails * 1e6


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
