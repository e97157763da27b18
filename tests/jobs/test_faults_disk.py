"""SQLite on a disk that is full, or locked for long: nobody is lost, nobody doubled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation.database import db
from tests.jobs.conftest import RealParts
from tests.support.counting_smtp import CountingSmtp
from tests.support.full_disk import Allowance, SmallDisk, can_mount, mount_small_disk
from tests.support.waiting import wait_for
from tests.support.watching import Watch, in_hand
from tests.support.worker_process import Kept

PEOPLE, CONNECTIONS, PATIENCE = 1_500, 4, 120.0


@pytest.fixture(params=["allowance", *(["small disk"] if can_mount() else [])])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk | Allowance]:
    if request.param == "allowance":
        (tmp_path / "disk").mkdir()
        yield Allowance(tmp_path / "disk")
        return
    with mount_small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def database_url(disk: SmallDisk | Allowance, sqlite_template: Path) -> str:
    shutil.copy(sqlite_template, disk.directory / "mailer.db")
    return f"sqlite:///{disk.directory / 'mailer.db'}"


@pytest.fixture
def receiver(service: RealParts, disk: SmallDisk | Allowance) -> Iterator[CountingSmtp]:
    directory = service.directory
    with CountingSmtp(directory, milliseconds=4) as receiver:
        service.environ |= {
            "MAILER_SMTP_PORT": str(receiver.port),
            "MAILER_DATA_DIRECTORY": str(disk.directory),  # journals too
            "MAILER_KEYS_URL": f"sqlite:///{directory / 'keys.db'}",
            "MAILER_REDIS_URL": f"unix://{directory / 'redis' / 'redis.sock'}",
        }
        yield receiver


@pytest.mark.requirement("E-093")
def test_a_disk_that_is_full_in_mid_campaign_loses_nobody(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
    disk: SmallDisk | Allowance,
) -> None:
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    with Kept(lambda: service.worker("--queue", "bulk")) as kept:
        for share in (200, 700):
            wait_for(lambda share=share: kept.wake() or receiver.count >= share, timeout=PATIENCE)
            pid = kept.worker.process.pid
            disk.fill(pid)
            # What cannot be noted in the journal does not go.
            wait_for(lambda: receiver.is_quiet, timeout=PATIENCE)
            assert not watch.is_sent
            disk.free(pid)
        wait_for(lambda: kept.wake() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    _, figures = watch.look()
    assert set(figures) <= {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
    # The answer to a mail for each connection may have found no place either.
    assert figures[DeliveryState.UNCERTAIN] <= 2 * CONNECTIONS
    assert set(kept.ends) <= {1}
    assert in_hand() == 0


@pytest.mark.requirement("E-093")
@pytest.mark.parametrize("disk", ["allowance"], indirect=True)
def test_a_database_that_is_locked_for_long_in_mid_campaign_loses_nobody(
    service: RealParts,
    redis_server: EmbeddedRedis,
    receiver: CountingSmtp,
) -> None:
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    with Kept(lambda: service.worker("--queue", "bulk")) as kept:
        wait_for(lambda: kept.wake() or receiver.count >= 200, timeout=PATIENCE)
        with db.engine.connect().execution_options(write=True) as holder, holder.begin():
            wait_for(lambda: receiver.is_quiet, timeout=PATIENCE)
        wait_for(lambda: kept.wake() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    assert watch.look()[1] == {DeliveryState.ACCEPTED: PEOPLE}
    assert kept.ends == []
    assert in_hand() == 0
