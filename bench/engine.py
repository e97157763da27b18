"""The transport alone: one process hands ready mails to a receiver, beside Postfix's smtp-source.

No database and no templates; the journal is written.
"""

from __future__ import annotations

import json
import subprocess

from bench import postfix
from bench.figures import Sheet
from bench.places import ROOT, Ground, python

SIZES = (10_000, 30_000)  # octets of a mail
USUAL = 16  # connections
CONNECTIONS = (1, 4, 64, 256)  # besides the usual
DELAYS = (5, 20)  # milliseconds until a mail is answered
DELAYED = (16, 256)  # connections
LEAST_OF_LIMIT = 0.85  # with the most connections and the longest delay
LEAST = 1_000  # mails; with fewer, what is measured says little and less is measured
ROUND_SECONDS = 40.0
RUN_SECONDS = 2.0  # what a run against a slow receiver takes about


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add what the transport costs to `sheet`, run for run beside smtp-source."""
    is_quick = ground.sizes.recipients < LEAST
    if postfix.is_here():
        with postfix.smtp_sink(ground) as port:
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
    other_rate, other_cpu = postfix.smtp_source(port, mails, octets, connections)
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
    is_target = (delay, connections) == (DELAYS[-1], DELAYED[-1])
    least = LEAST_OF_LIMIT if is_target else None
    sheet.add(f"{name}: ratio to the limit", "×", rate / limit, at_least=least)
    sheet.add(name, "CPU µs/mail", cpu)


def _engine(port: int, mails: int, octets: int, connections: int) -> tuple[float, float]:
    """Mails a second and processor µs a mail of the transport in a process of its own."""
    words = python("-m", "bench.ready_mails", *map(str, (port, mails, octets, connections)))
    run = subprocess.run(words, cwd=ROOT, check=True, timeout=120, capture_output=True)
    figures = json.loads(run.stdout)
    return mails / figures["seconds"], figures["cpu_seconds"] / mails * 1e6
