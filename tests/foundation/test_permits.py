"""One rate for all processes, also while some of them know of Redis and some do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.app import create_app
from mailer.foundation.permits import CAREFUL_SECONDS, REST_SECONDS, Permits, Redis
from tests.conftest import settings_for
from tests.support.redis_server import run_redis

RATE = 300.0


@pytest.fixture(autouse=True)
def settings_here(tmp_path: Path) -> Iterator[None]:
    """Three workers, as the operator has said."""
    with create_app(settings_for(tmp_path, MAILER_WORKER_COUNT="3")).app_context():
        yield


class Workers:
    """Three processes' permits of one bucket, and when each permit was used."""

    def __init__(self) -> None:
        self.shared = [Redis(f"bulk-{number}") for number in range(3)]
        self.permits = [Permits("all", RATE, one) for one in self.shared]
        self.used: list[float] = []

    def work(self, seconds: float, count: int = 3) -> None:
        """The first `count` of them use all they get."""
        until = time.monotonic() + seconds
        while (moment := time.monotonic()) < until:
            taken = [one.take() for one in self.permits[:count]]
            self.used += [moment] * sum(taken)
            if not any(taken):
                threading.Event().wait(0.001)

    def most_within(self, seconds: float) -> int:
        """The most permits used in any stretch of time so long."""
        most = first = 0
        for last, moment in enumerate(self.used):
            while self.used[first] < moment - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@pytest.mark.requirement("E-065")
def test_redis_that_goes_and_comes_back_never_means_more_than_the_limit(tmp_path: Path) -> None:
    workers = Workers()
    with run_redis(tmp_path / "redis"):
        workers.work(1.5)
    # Each finds out at another moment that Redis is gone, and so that it is back.
    for count in (1, 2, 3):
        workers.work(1.3, count)
    with run_redis(tmp_path / "redis"):
        workers.work(REST_SECONDS + CAREFUL_SECONDS + 1.0)
        assert not any(one.is_careful for one in workers.shared)
        before = len(workers.used)
        workers.work(1.0)
        assert len(workers.used) > before
    assert workers.most_within(2.0) <= 1.05 * 2.0 * RATE + 0.25 * RATE
    lasted = workers.used[-1] - workers.used[0]
    assert len(workers.used) <= 1.05 * lasted * RATE + 0.25 * RATE
