"""Getting what the tests need and pip does not bring: a Redis, a PostgreSQL, a Chromium, mail servers.

Run as `python -m tests.support.prepare`. Silent and quick when all is there. As root the system's packages are
installed, and what is missing is said before; else Playwright's own Chromium. Without any PostgreSQL or mail
servers the tests that need them are left out, which is said here and, where they could have been had, refused
by the CI.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mailer.devkit import RedisMissing, find_redis_server
from tests.support import chromium, mail_servers, postgres

# Installing a server must not start it.
_APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def may_use_apt() -> bool:
    return os.getuid() == 0 and shutil.which("apt-get") is not None


def run(*command: str) -> bool:
    say(f"+ {' '.join(command)}")
    environment = {**os.environ, **_APT_ENVIRONMENT}
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0


def install(*packages: str) -> bool:
    """Install packages of the system, as root on Debian and its like only."""
    if not may_use_apt():
        return False
    options = ("-y", "-qq", "--no-install-recommends")
    return run("apt-get", "update", "-qq") and run("apt-get", "install", *options, *packages)


def has_chromium() -> bool:
    try:
        chromium.find_chromium()
    except chromium.ChromiumMissing:
        return False
    return True


def prepare_chromium() -> bool:
    """Say whether there is a Chromium now."""
    if has_chromium():
        return True
    say("The tests need a Chromium; getting one ...")
    if install("chromium") and has_chromium():
        return True
    dependencies = ("--with-deps",) if may_use_apt() else ()
    run(sys.executable, "-m", "playwright", "install", *dependencies, "chromium")
    return has_chromium()


def can_drive() -> bool:
    """Whether Playwright's driver, a Node of its own, finds the libraries that it needs."""
    command = (sys.executable, "-m", "playwright", "--version")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def prepare_driver() -> bool:
    """Say whether Playwright's driver runs now."""
    if can_drive():
        return True
    say("Playwright needs a library that this machine has not; getting it ...")
    if install("libatomic1") and can_drive():
        return True
    say("Playwright does not run: `.venv/bin/playwright --version` says why.")
    return False


def prepare_redis() -> bool:
    """Say whether there is a Redis server now."""
    with contextlib.suppress(RedisMissing):
        find_redis_server()
        return True
    say("Mailer and its tests need a Redis server; getting one ...")
    install("redis-server")
    try:
        find_redis_server()
    except RedisMissing as missing:
        say(str(missing))
        return False
    return True


def prepare_postgres() -> bool:
    """Say whether there is a PostgreSQL now."""
    if postgres.can_run():
        return True
    say("The tests need a PostgreSQL; getting one ...")
    return install("postgresql") and postgres.can_run()


def prepare_mail_servers() -> bool:
    """Say whether there are a Postfix and an Exim to run now."""
    if mail_servers.can_run() or not may_use_apt():
        return mail_servers.can_run()
    say("The tests need Postfix and Exim; getting them ...")
    if not mail_servers.has_postfix():
        install("postfix")
    if not mail_servers.has_exim():
        unpack_exim()
    return mail_servers.can_run()


def unpack_exim() -> None:
    """Debian's Exim cannot be installed beside Postfix: its files go into the virtual environment.

    With those of every package it needs and this machine has not, its libraries.
    """
    user = mail_servers.EXIM_USER
    run("useradd", "--system", "--no-create-home", "--user-group", user)
    run("apt-get", "update", "-qq")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "partial").mkdir()
        options = ("-qq", "-y", "--no-install-recommends", "-o", f"Dir::Cache::archives={name}")
        run("apt-get", "install", "--download-only", *options, mail_servers.EXIM_PACKAGE)
        for package in sorted(Path(name).glob("*.deb")):
            mail_servers.EXIM.mkdir(parents=True, exist_ok=True)
            run("dpkg", "--extract", str(package), str(mail_servers.EXIM))


def main() -> int:
    if not prepare_redis():
        return 1
    if not prepare_postgres():
        say(postgres.MISSING)
    if not prepare_mail_servers():
        say(f"Some tests are left out: the transport {mail_servers.MISSING}.")
    if not prepare_driver():
        return 1
    if not prepare_chromium():
        try:
            chromium.find_chromium()
        except chromium.ChromiumMissing as error:
            say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
