"""After a backup was restored: nothing is signed until the log is whole again, and then it goes on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import transparency
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.foundation.settings import Settings
from mailer.organisations import Organisation
from mailer.transparency import LogDirectory, Repair
from tests.support.factories import make_organisation
from tests.support.keeping import keep, keeper_of, queue_leaves
from tests.support.postgres import create_database, drop_database
from tests.transparency import naive

Restore = Callable[[], None]
pytestmark = pytest.mark.requirement("T-015")


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def backup(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[Callable[[], Restore]]:
    """Call it to take a backup of the database; call what it gives to restore that."""
    made: list[str] = []

    def take() -> Restore:
        db.session.remove()
        db.engine.dispose()
        if not settings.database_url.startswith("sqlite"):
            copy = create_database(settings.database_url, template=settings.database_url)
            made.append(copy)

            def restore_postgres() -> None:
                db.session.remove()
                db.engine.dispose()
                drop_database(settings.database_url)
                create_database(
                    copy, template=copy, name=str(sa.make_url(settings.database_url).database)
                )

            return restore_postgres
        with closing(sqlite3.connect(tmp_path / "mailer.db")) as connection:
            connection.execute(f"VACUUM INTO '{tmp_path / 'backup.db'}'")

        def restore() -> None:
            db.session.remove()
            db.engine.dispose()
            for name in ("mailer.db", "mailer.db-wal", "mailer.db-shm"):
                (tmp_path / name).unlink(missing_ok=True)
            shutil.copy(tmp_path / "backup.db", tmp_path / "mailer.db")

        return restore

    yield take
    for url in made:
        drop_database(url)


def repair(settings: Settings, note: str = "") -> int:
    """What `python -m mailer log repair` does; how many leaves it put back."""
    db.session.rollback()
    work = Repair(settings.log_directory, settings.log_origin)
    with unit_of_work():
        missing = work.diagnose(lambda _done, _all: None, note).missing
    count = 0
    while True:
        with unit_of_work():
            done = work.step(limit=2)
        count += done
        if not done:
            assert count == missing
            return count


def refusal(settings: Settings) -> str:
    """What the keeper says when it refuses; it must not have signed or sequenced."""
    db.session.rollback()
    size = transparency.count_entries()
    with keeper_of(settings) as keeper:
        assert keeper.turn() is None
    assert transparency.count_entries() == size
    (alarm,) = transparency.list_alarms()
    assert alarm.kind == "refused"
    return alarm.message


def test_a_restored_backup_is_refused_until_it_is_repaired(
    organisation: Organisation, settings: Settings, backup: Callable[[], Restore]
) -> None:
    queue_leaves(organisation, "lea_one", "lea_two")
    keep(settings)
    queue_leaves(organisation, "lea_waiting")
    restore = backup()
    queue_leaves(None, *(f"lea_{number}" for number in range(5)))
    last = keep(settings)
    restore()
    queue_leaves(None, "lea_after")

    assert "repair" in refusal(settings)
    assert repair(settings) == 6
    assert repair(settings) == 0
    assert transparency.find_position("lea_waiting") == 3
    assert transparency.root_at(last.size) == last.root
    newest = keep(settings)
    assert newest.size == last.size + 1
    assert transparency.list_alarms() == []
    leaves = transparency.list_leaves(0, 100)
    assert naive.root(leaves) == newest.root
    assert [transparency.read_leaf(leaf).public_id for leaf in leaves].count("lea_waiting") == 1
    proof = transparency.consistency_proof(last.size, newest.size)
    assert transparency.is_consistent((last.size, last.root), (newest.size, newest.root), proof)


def test_a_database_that_went_on_alone_is_refused_and_not_repaired(
    organisation: Organisation, settings: Settings, backup: Callable[[], Restore]
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    restore = backup()
    queue_leaves(None, "lea_true")
    keep(settings)
    restore()
    queue_leaves(None, "lea_false", "lea_falser")
    with unit_of_work():
        assert transparency.sequence() == 2

    assert "another root" in refusal(settings)
    with pytest.raises(Invalid, match="not those that were signed"):
        repair(settings)
    assert "another root" in refusal(settings)


def test_damaged_entries_repair_nothing(
    organisation: Organisation, settings: Settings, backup: Callable[[], Restore]
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    restore = backup()
    queue_leaves(None, "lea_two")
    keep(settings)
    restore()
    entries = settings.log_directory / "entries"
    body = bytearray(entries.read_bytes())
    body[-10] ^= 1
    entries.write_bytes(bytes(body))
    with pytest.raises(Invalid, match="does not lead to the root"):
        repair(settings)
    assert transparency.find_position("lea_two") is None


def test_an_old_copy_of_the_memory_is_refused_and_brought_up(
    organisation: Organisation, settings: Settings
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    old = LogDirectory(settings.log_directory).signed_file.read_bytes()
    queue_leaves(None, "lea_two")
    newest = keep(settings)
    LogDirectory(settings.log_directory).signed_file.write_bytes(old)

    assert "older than the log" in refusal(settings)
    assert repair(settings) == 0
    remembered = LogDirectory(settings.log_directory).read_signed()
    assert remembered is not None
    assert (remembered.size, remembered.root) == (newest.size, newest.root)
    queue_leaves(None, "lea_three")
    assert keep(settings).size == newest.size + 1


def test_a_lost_memory_comes_back_from_a_checkpoint_somebody_kept(
    organisation: Organisation, settings: Settings, backup: Callable[[], Restore]
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    restore = backup()
    queue_leaves(None, "lea_two")
    kept = keep(settings)
    restore()
    LogDirectory(settings.log_directory).signed_file.unlink()

    assert "--checkpoint" in refusal(settings)
    with pytest.raises(NotAllowed, match="--checkpoint FILE"):
        repair(settings)
    changed = kept.note.replace(f"\n{kept.size}\n", f"\n{kept.size + 1}\n")
    with pytest.raises(Invalid, match="signature"):
        repair(settings, changed)
    assert repair(settings, kept.note) == 1
    assert keep(settings).root == kept.root
