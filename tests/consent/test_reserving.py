"""Keys made ahead are still one for each person, and nobody gets another one's."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from mailer.app import create_app
from mailer.consent.reserving import MOST, Reserve, take_key
from mailer.consent.subjects import place_of_key
from mailer.foundation import cipher, keystore
from mailer.foundation.clock import now
from mailer.foundation.errors import Unavailable
from tests.conftest import environ_for, settings_for


def opened(names: list[str]) -> dict[str, bytes]:
    return {
        name: cipher.open_sealed(sealed, bound_to=place_of_key(name))
        for name, sealed in keystore.find_many(names).items()
    }


@pytest.mark.requirement("T-006")
def test_every_key_is_one_persons_own_and_lies_in_the_store(app: Flask) -> None:
    def take(_number: int) -> tuple[str, bytes]:
        with app.app_context():
            return take_key()

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(take, range(300)))
    keys = dict(taken)
    assert len(keys) == len(set(keys.values())) == 300
    assert opened(list(keys)) == keys


def test_one_alone_makes_one_key_and_many_make_few_more_than_they_need(app: Flask) -> None:
    take_key()
    assert len(stored()) == 1
    for _ in range(200):
        take_key()
    assert 201 <= len(stored()) <= 201 + MOST


def test_a_key_that_is_too_old_is_not_given_out(app: Flask) -> None:
    fresh, stale = Reserve(lasts=3_600), Reserve(lasts=0)
    given = [fresh.take()[0] for _ in range(3)]
    assert len(stored()) == 1 + 2  # the second time two are made, and one waits
    given += [stale.take()[0] for _ in range(3)]
    assert set(given) == stored()  # one at a time, none waits


def stored() -> set[str]:
    names = keystore.iter_names(before=now() + timedelta(seconds=1))
    return {name for part in names for name in part}


FORKS = """
import os
from mailer.app import create_app
from mailer.consent.reserving import take_key
from mailer.foundation import keystore
from mailer.foundation.settings import Settings

with create_app(Settings.from_environment()).app_context():
    for _ in range(4):
        take_key()  # now some are ahead
    keystore.dispose()
    child = os.fork()
    line = " ".join(take_key()[0] for _ in range(8))
    os.write(1, f"{line}\\n".encode())  # as a whole: both write to the same pipe
    if child:
        os.waitpid(child, 0)
"""


def test_a_forked_process_does_not_share_what_the_other_has_ahead(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FORKS],
        env={**os.environ, **environ_for(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    parent, child = (set(line.split()) for line in told.splitlines())
    assert len(parent) == len(child) == 8
    assert not parent & child


def test_a_store_that_takes_nothing_is_told_as_such(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, MAILER_KEYS_URL="sqlite:////nowhere/at/all.db"))
    with app.app_context(), pytest.raises(Unavailable, match="key store"):
        take_key()
