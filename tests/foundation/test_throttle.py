from __future__ import annotations

import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailer.devkit import EmbeddedRedis
from mailer.foundation.queue import connection
from mailer.foundation.settings import Settings
from mailer.foundation.throttle import Limit, are_within, is_within
from tests.conftest import environ_for, settings_for
from tests.foundation.conftest import within
from tests.support.waiting import wait_for

pytestmark = pytest.mark.requirement("S-030")
HOUR = 3600
ELSEWHERE = """
import sys
from flask import Flask
from mailer.foundation import context
from mailer.foundation.settings import Settings
from mailer.foundation.throttle import Limit, is_within
app = Flask("other")
app.extensions[context.KEY] = Settings.from_environment()
with app.app_context():
    print(sum(is_within([Limit(sys.argv[1], 5, 3600)]) for _ in range(9)))
"""


def fresh() -> str:
    """A key nobody counted before: counters of this process outlive a test."""
    return secrets.token_hex(8)


def passed(key: str, count: int, *, tries: int, seconds: int = HOUR) -> int:
    return sum(is_within([Limit(key, count, seconds)]) for _ in range(tries))


def test_as_many_pass_as_the_limit_says(bare: Settings, redis_server: EmbeddedRedis) -> None:
    key = fresh()
    assert passed(key, 5, tries=9) == 5
    assert passed(fresh(), 5, tries=9) == 5
    assert passed(key, 5, tries=9) == 0


def test_all_limits_have_room_or_none_is_counted(
    bare: Settings, redis_server: EmbeddedRedis
) -> None:
    narrow, wide = fresh(), fresh()
    both = [Limit(wide, 10, HOUR), Limit(narrow, 2, HOUR)]
    assert [is_within(both) for _ in range(6)] == [True, True, False, False, False, False]
    # The four refused ones took nothing of the wide limit.
    assert passed(wide, 10, tries=20) == 8


@pytest.mark.parametrize("is_up", [True, False], ids=["Redis", "Redis is down"])
def test_several_are_counted_one_after_the_other(
    bare: Settings, request: pytest.FixtureRequest, *, is_up: bool
) -> None:
    if is_up:
        request.getfixturevalue("redis_server")
    many = 40 if is_up else 80  # alone a process lets half of them pass
    shared, narrow, other = Limit(fresh(), many, HOUR), Limit(fresh(), 4, HOUR), fresh()
    asked = [[shared, narrow], [shared], [], [shared, narrow], [Limit(other, 4, HOUR), shared]]
    narrow_passes = 4 if is_up else 2
    answers = [are_within(asked) for _ in range(3)]
    took_narrow = [answer[place] for answer in answers for place in (0, 3)]
    assert took_narrow == [True] * narrow_passes + [False] * (6 - narrow_passes)
    assert all(answer[1] and answer[2] for answer in answers)
    # What a full limit kept out was not counted for the others.
    taken = narrow_passes + 3 + sum(answer[4] for answer in answers)
    assert passed(shared.key, many, tries=2 * many) == 40 - taken
    assert are_within([]) == []


def test_no_limit_lets_everything_pass(bare: Settings, redis_server: EmbeddedRedis) -> None:
    assert is_within([])


def test_room_comes_back_as_the_window_moves_on(
    bare: Settings, redis_server: EmbeddedRedis
) -> None:
    key = fresh()
    assert passed(key, 3, tries=5, seconds=1) >= 3
    wait_for(lambda: is_within([Limit(key, 3, 1)]))
    # What happened in the last window still counts for the share of it that is in view.
    slot = int(time.time() // HOUR)
    key = fresh()
    connection().set(f"limit:{key}:{slot - 1}", 1000)
    assert passed(key, 1000, tries=1) == 1
    connection().set(f"limit:{key}:{slot - 1}", 1_000_000)
    assert passed(key, 20, tries=1) == 0


def test_counters_go_when_they_no_longer_matter(
    bare: Settings, redis_server: EmbeddedRedis
) -> None:
    key = fresh()
    is_within([Limit(key, 3, 60)])
    (stored,) = connection().keys(f"limit:{key}:*")
    assert 60 <= connection().ttl(stored) <= 120


def test_limits_are_shared_by_all_processes(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    environ = environ_for(tmp_path)
    with within(Settings.from_environment(environ)):
        key = fresh()
        assert passed(key, 5, tries=2) == 2
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, key],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "3"
        assert passed(key, 5, tries=1) == 0


def test_without_redis_each_process_lets_half_pass(bare: Settings) -> None:
    assert passed(fresh(), 10, tries=20) == 5
    assert passed(fresh(), 1, tries=5) == 1


def test_without_redis_all_or_nothing_holds_too(bare: Settings) -> None:
    narrow, wide = fresh(), fresh()
    both = [Limit(wide, 20, HOUR), Limit(narrow, 4, HOUR)]
    assert sum(is_within(both) for _ in range(6)) == 2
    assert passed(wide, 20, tries=30) == 8


def test_a_redis_that_is_gone_only_changes_who_counts(
    tmp_path: Path, redis_server: EmbeddedRedis
) -> None:
    with within(settings_for(tmp_path)):
        key = fresh()
        assert passed(key, 4, tries=9) == 4
        redis_server.stop()
        assert passed(key, 4, tries=9) == 2
