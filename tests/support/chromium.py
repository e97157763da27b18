"""The browser of the tests: which one, and with which switches."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright

SETTING = "MAILER_TEST_CHROMIUM"
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APPLICATION = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_PLAYWRIGHT_CACHE = {
    "linux": ".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "darwin": "Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
}


class ChromiumMissing(Exception):
    """No Chromium was found; the sentence says how to get one."""


def list_candidates() -> list[str]:
    """Return the programs that may be Chromium, the best guess first.

    The setting alone when it is set; else what is on PATH; else what Playwright has installed.
    """
    wanted = os.environ.get(SETTING)
    if wanted:
        return [found] if (found := shutil.which(wanted)) else []
    cached = Path.home().glob(_PLAYWRIGHT_CACHE[sys.platform])
    named = [*map(shutil.which, _NAMES), shutil.which(_APPLICATION)]
    return [*filter(None, named), *sorted(map(str, cached), reverse=True)]


def find_chromium() -> str:
    """Return the path of Chromium. Raises ChromiumMissing."""
    for candidate in list_candidates():
        # On Ubuntu this name may be a script that only says which snap to install.
        if "snap install" not in _read_start(candidate):
            return candidate
    raise ChromiumMissing(
        f"No Chromium was found. Install it (Debian: apt install chromium; anywhere: "
        f".venv/bin/playwright install --with-deps chromium) or set {SETTING} to its path."
    )


def _read_start(path: str) -> str:
    with Path(path).open("rb") as file:
        return file.read(4096).decode(errors="replace")


def launch_browser(playwright: Playwright) -> Browser:
    """Start Chromium without a window. Raises ChromiumMissing."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=list(SWITCHES))
