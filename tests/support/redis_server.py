"""A Redis of one's own for a test run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailer.devkit.embedded_redis import EmbeddedRedis


@contextmanager
def run_redis(directory: Path) -> Iterator[EmbeddedRedis]:
    """Run a Redis in `directory` that does not wait for the disk."""
    with EmbeddedRedis(directory, fsync="no") as server:
        yield server
