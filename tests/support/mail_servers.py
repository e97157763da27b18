"""Postfix and Exim on a free port, with a configuration and a queue of their own, as root only.

Neither is started as a service. Postfix is the package; Exim, which cannot be installed beside it, is
unpacked into the virtual environment (see prepare.py) and runs from there. Both keep every mail in
their queue, where a test can read it.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import wait_for

EXIM = Path(sys.prefix) / "opt" / "exim"
EXIM_PACKAGE = "exim4-daemon-light"
EXIM_USER = "Debian-exim"  # built into Debian's Exim, which does not start without
MISSING = "needs Postfix and Exim, which the tests can only get and run as root on Debian"
STRANGER = "r3@x.test"  # whom both servers refuse

_POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_recipient_restrictions =
    check_recipient_access inline:{{ {{ {stranger} = 550 5.1.1 no such user }} }},
    check_recipient_access static:HOLD, permit
"""
_POSTFIX_MASTER = """
127.0.0.1:{port} inet n - n - 50 smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
"""
_EXIM = """
exim_user = nobody
exim_group = nogroup
spool_directory = {directory}/spool
log_file_path = {directory}/spool/%slog
pid_file_path =
primary_hostname = exim.test
local_interfaces = 127.0.0.1
acl_smtp_rcpt = rcpt
acl_smtp_data = data
queue_only = true
host_lookup =
rfc1413_query_timeout = 0s
begin acl
rcpt:
  deny recipients = {stranger}
       message = 5.1.1 no such user
  accept
data:
  accept
begin routers
begin transports
begin retry
begin rewrite
begin authenticators
"""


def can_run() -> bool:
    """Whether both servers can be run here."""
    return os.getuid() == 0 and has_postfix() and has_exim()


def has_postfix() -> bool:
    """Whether Postfix's programs are there, smtp-sink and smtp-source among them."""
    return all(map(shutil.which, ("postfix", "smtp-sink", "smtp-source")))


def has_exim() -> bool:
    """Whether Exim is unpacked with all that it needs to run, and its user is known."""
    try:
        pwd.getpwnam(EXIM_USER)
        subprocess.run(
            [*_exim(), "-C", "/dev/null", "-bV"],
            env=_with_libraries(),
            capture_output=True,
            check=True,
        )
    except (KeyError, OSError, subprocess.CalledProcessError):
        return False
    return True


def _exim() -> list[str]:
    return [str(EXIM / "usr/sbin/exim4")]


def _with_libraries() -> dict[str, str]:
    """Our environment, in which Exim finds the libraries that were unpacked with it."""
    places = sorted({str(path.parent) for path in EXIM.glob("usr/lib/*/*.so*")})
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(places)}


@dataclass(frozen=True)
class MailServer:
    """A server that runs; `directory` is its own."""

    port: int
    directory: Path

    def held_by_postfix(self) -> dict[str, bytes]:
        """Recipient and body of every mail in Postfix's hold queue; bodies with LF."""
        held: dict[str, bytes] = {}
        for path in (self.directory / "queue/hold").iterdir():
            envelope, content = self._postcat("-e", path), self._postcat("-bh", path)
            (recipient,) = re.findall(rb"^original_recipient: (.*)$", envelope, re.MULTILINE)
            assert recipient.decode() not in held
            held[recipient.decode()] = content.partition(b"\n\n")[2]
        return held

    def _postcat(self, what: str, path: Path) -> bytes:
        command = ["postcat", "-c", str(self.directory / "conf"), what, str(path)]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def held_by_exim(self) -> dict[str, bytes]:
        """Recipient and body of every mail in Exim's spool; bodies with LF."""
        held: dict[str, bytes] = {}
        for path in (self.directory / "spool/input").glob("*-D"):
            header = path.with_name(path.name.removesuffix("-D") + "-H").read_text().split("\n\n")
            recipient = header[0].splitlines()[-1]
            assert recipient not in held
            held[recipient] = path.read_bytes().partition(b"\n")[2]
        return held


@contextmanager
def run_postfix(directory: Path) -> Iterator[MailServer]:
    """A Postfix whose queue lies in `directory`, which others must be able to enter."""
    port, conf = _free_port(), directory / "conf"
    for name in ("conf", "queue", "data"):
        (directory / name).mkdir()
    shutil.chown(directory / "data", "postfix")
    names = {"directory": directory, "port": port, "stranger": STRANGER}
    (conf / "main.cf").write_text(_POSTFIX_MAIN.format(**names))
    (conf / "master.cf").write_text(_POSTFIX_MASTER.format(**names))
    with _running(["postfix", "-c", str(conf), "start-fg"], port):
        yield MailServer(port, directory)
        subprocess.run(["postfix", "-c", conf, "stop"], capture_output=True, check=True)


@contextmanager
def run_exim(directory: Path) -> Iterator[MailServer]:
    """An Exim whose spool lies in `directory`, which others must be able to enter."""
    port = _free_port()
    (directory / "spool").mkdir()
    shutil.chown(directory / "spool", "nobody", "nogroup")
    conf = directory / "exim.conf"
    conf.write_text(_EXIM.format(directory=directory, stranger=STRANGER))
    command = [*_exim(), "-C", str(conf), "-bdf", "-oX", str(port)]
    with _running(command, port, _with_libraries()):
        yield MailServer(port, directory)


@contextmanager
def run_sink(*options: str) -> Iterator[int]:
    """Postfix's smtp-sink; yields its port."""
    port = _free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    with _running(["smtp-sink", *user, *options, f"127.0.0.1:{port}", "128"], port):
        yield port


@contextmanager
def _running(
    command: list[str], port: int, environment: dict[str, str] | None = None
) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        wait_for(lambda: _answers(port) or process.poll() is not None, timeout=20)
        assert process.poll() is None, process.stderr.read()
        yield
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        process.stderr.close()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            return line.recv(3) == b"220"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
