"""Waiting for a condition instead of for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(ask: Callable[[], T], *, timeout: float = 15.0) -> T:
    """Ask until the answer is true-ish and return it. Raises AssertionError after `timeout` s."""
    limit = time.monotonic() + timeout
    while not (answer := ask()):
        if time.monotonic() > limit:
            raise AssertionError(f"{ask.__qualname__} did not come true within {timeout} s")
        time.sleep(0.02)
    return answer


def take_time(seconds: float) -> None:
    """Be slow on purpose: for servers whose slowness is what a test is about, never to wait."""
    time.sleep(seconds)
