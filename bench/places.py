"""Where a measurement runs: a database of its own, a Redis, programs, all gone when it is over."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from mailer.app import create_app
from mailer.devkit.warden import Launch, Warden
from mailer.foundation import schema
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from tests.support import postgres

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
_SECRETS = {
    f"MAILER_{name}": secrets.token_urlsafe(48)
    for name in ("SECRET_KEYS", "ENCRYPTION_KEYS", "ADDRESS_PEPPER")
}
_ADDRESSES = {
    "MAILER_PUBLIC_URL": f"http://{HOST}:8000",
    "MAILER_ADMIN_URL": "http://localhost:8000",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, and how often."""

    rounds: int = 3
    recipients: int = 5_000
    composed: tuple[int, int] = (4_000, 400)  # unsigned and signed
    mails: int = 30_000
    audiences: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    part: int = 20_000
    contacts: int = 100_000
    signup_seconds: float = 3.0
    imported_rows: int = 1_000_000
    log_records: int = 1_000_000


QUICK = Sizes(
    rounds=1,
    recipients=200,
    composed=(200, 20),
    mails=200,
    audiences=(100, 1_000),
    part=100,
    contacts=1_000,
    signup_seconds=0.5,
    log_records=1_000,
    imported_rows=2_000,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of database; `server` is PostgreSQL's address, None means files of SQLite."""

    name: str
    server: str | None = None

    @contextmanager
    def database(self, directory: Path, template: str | None = None) -> Iterator[str]:
        """A database for one measurement, empty or a copy of `template`; yields its address."""
        if self.server is None:
            file = directory / "mailer.db"
            if template:
                shutil.copy(template.removeprefix("sqlite:///"), file)
                os.sync()  # what was copied is not written out while something is measured
            try:
                yield f"sqlite:///{file}"
            finally:
                for part in directory.glob(f"{file.name}*"):
                    part.unlink()
            return
        url = postgres.create_database(self.server, template=template)
        os.sync()
        try:
            yield url
        finally:
            postgres.drop_database(url)

    def tidy(self, url: str) -> None:
        """Have the housekeeping of a database done that was filled just now, rather than meanwhile.

        Not for one that is nearly empty: PostgreSQL plans for what it has counted.
        """
        if self.server is not None:
            postgres.tidy(url)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every measurement stands on."""

    directory: Path
    places: tuple[Place, ...]
    sizes: Sizes
    warden: Warden

    def rounds(self, seconds: float) -> Iterator[int]:
        """Numbers of the rounds to measure: one at least, and no further one after `seconds`."""
        until = time.monotonic() + seconds
        for number in range(self.sizes.rounds):
            if number and time.monotonic() > until:
                return
            yield number

    def new_directory(self) -> Path:
        """An empty directory; its path is short, for a socket has to fit."""
        directory = self.directory / secrets.token_hex(4)
        directory.mkdir()
        return directory

    @contextmanager
    def template(self, place: Place, fill: Callable[[], None]) -> Iterator[str]:
        """A migrated database that `fill` has filled, to copy from; yields its address."""
        directory = self.new_directory()
        with place.database(directory) as url:
            with application(environ_for(directory, MAILER_DATABASE_URL=url)):
                schema.upgrade()
                fill()
            yield url

    @contextmanager
    def program(
        self, *words: str, environ: Mapping[str, str], log: Path | int
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A running program; ended at the end of the `with`."""
        output = log.open("ab") if isinstance(log, Path) else log
        process = self.warden.launch(Launch(argv=words, env=environ, output=output, directory=ROOT))
        try:
            yield process
        finally:
            self.warden.stop(process)
            if process.stdout is not None:
                process.stdout.close()
            if not isinstance(output, int):
                output.close()

    @contextmanager
    def sink(self, delay: int = 0) -> Iterator[int]:
        """A receiver of mails that answers each after `delay` milliseconds; yields its port."""
        words = python("-m", "bench.sink", str(delay))
        with self.program(*words, environ={}, log=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield int(process.stdout.readline())


def environ_for(directory: Path, **changes: str) -> dict[str, str]:
    """The settings of a service whose data lies in `directory`; secrets are one run's own."""
    return {
        "MAILER_ENVIRONMENT": "development",
        "MAILER_DATA_DIRECTORY": str(directory),
        "MAILER_FORM_TOKEN_MIN_SECONDS": "0",
        **_ADDRESSES,
        **_SECRETS,
        **changes,
    }


@contextmanager
def application(environ: Mapping[str, str]) -> Iterator[Flask]:
    """An application in this process, for preparing and for counting; it only logs errors."""
    app = create_app(Settings.from_environment({**environ, "MAILER_LOG_LEVEL": "error"}))
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def python(*words: str) -> tuple[str, ...]:
    """The command line of something our own interpreter runs."""
    return (sys.executable, *words)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
