"""The facts of this machine, and what a process has used of it."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import psycopg
import sqlalchemy as sa

_CLOCK = Path("/proc")


def facts(postgres: str | None) -> dict[str, str]:
    """What a reader has to know to compare figures; `postgres` is the address of the server used."""
    return {
        "cores": str(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        ),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": _postgres_version(postgres) if postgres else "none",
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def cpu_seconds(pid: int) -> float | None:
    """Processor time of all threads of a living process; None where the system does not tell."""
    try:
        tasks = list((_CLOCK / str(pid) / "task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def peak_megabytes(pid: int) -> float | None:
    """The most memory a living process has held; None where the system does not tell."""
    try:
        lines = (_CLOCK / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), None)


def _processor() -> str:
    try:
        lines = (_CLOCK / "cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _postgres_version(url: str) -> str:
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else "unknown"
