"""The log keeper for tests: turns in this process, or in one that dies where it is told to."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mailer import transparency
from mailer.app import create_app
from mailer.foundation.clock import now
from mailer.foundation.database import make_durable, unit_of_work
from mailer.foundation.settings import Settings
from mailer.jobs.log_keeping import LogKeeper
from mailer.organisations import Organisation
from mailer.transparency import Checkpoint

ROOT = Path(__file__).parents[2]


@contextmanager
def keeper_of(settings: Settings) -> Iterator[LogKeeper]:
    """A keeper whose turns the test takes itself."""
    keeper = LogKeeper(settings.log_directory, settings.log_origin, seconds=0)
    yield keeper
    keeper.close()


def keep(settings: Settings) -> Checkpoint:
    """Give all waiting leaves their positions and sign the tree; the newest checkpoint."""
    with keeper_of(settings) as keeper:
        # The first turn of a log queues a leaf for its key while it sequences.
        keeper.turn()
    newest = transparency.find_latest_checkpoint()
    assert newest is not None
    return newest


def queue_leaves(organisation: Organisation | None, *names: str) -> None:
    """Leaves that stand for nothing in particular."""
    with unit_of_work():
        for name in names:
            transparency.queue_leaf(
                organisation,
                kind="test",
                public_id=name,
                algorithm="sha256",
                commitment=hashlib.sha256(name.encode()).digest(),
                happened_at=now(),
            )


def die_at(step: str, environ: Mapping[str, str]) -> int:
    """Run a keeper in a process of its own that kills itself right after `step`; its exit status."""
    return subprocess.run(
        [sys.executable, "-m", "tests.support.keeping", step],
        cwd=ROOT,
        env={**os.environ, **environ},
        check=False,
        timeout=60,
        stderr=subprocess.PIPE,
    ).returncode


def _live_until(wanted: str) -> None:
    settings = Settings.from_environment()

    def on_step(step: str) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    with create_app(settings).app_context():
        make_durable()
        keeper = LogKeeper(settings.log_directory, settings.log_origin, seconds=0, on_step=on_step)
        keeper.turn()


if __name__ == "__main__":
    _live_until(sys.argv[1])
