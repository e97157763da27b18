"""Getting what the tests need and pip does not bring: a Chromium and a PostgreSQL.

Run as `python -m tests.support.prepare`. Silent and quick when all is there. As root the system's
packages are installed; else Playwright's own Chromium. Without any PostgreSQL the tests that need
one are left out, which is said here and, where one could have been had, refused by the CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.support import chromium, postgres

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


def prepare_postgres() -> bool:
    """Say whether there is a PostgreSQL now."""
    if postgres.can_run():
        return True
    say("The tests need a PostgreSQL; getting one ...")
    return install("postgresql") and postgres.can_run()


def main() -> int:
    if not prepare_postgres():
        say(postgres.MISSING)
    if not prepare_chromium():
        try:
            chromium.find_chromium()
        except chromium.ChromiumMissing as error:
            say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
