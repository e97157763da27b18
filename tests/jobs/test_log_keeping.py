"""The log keeper: what it signs, what a crash leaves behind, what it refuses, and how that is repaired."""

from __future__ import annotations

import shutil
import signal
import stat
from pathlib import Path

import pytest
from flask import Flask

from mailer import transparency
from mailer.foundation import signing_keys
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.foundation.settings import Settings
from mailer.jobs.log_keeping import LogKeeper
from mailer.organisations import Organisation
from mailer.transparency import Checkpoint, LogDirectory
from tests.conftest import environ_for
from tests.support.factories import make_organisation
from tests.support.keeping import die_at, keep, keeper_of, queue_leaves
from tests.support.waiting import wait_for
from tests.support.worker_process import WorkerProcess
from tests.transparency import naive

STEPS = ("sequenced", "appending", "entries", "signed", "published")


@pytest.fixture
def environ(tmp_path: Path, database_url: str) -> dict[str, str]:
    return environ_for(tmp_path, MAILER_DATABASE_URL=database_url)


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return Settings.from_environment(environ)


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


def checkpoints() -> list[Checkpoint]:
    db.session.rollback()
    return transparency.list_checkpoints_after(0)


def assert_whole(settings: Settings, *names: str) -> None:
    """Every leaf once, in one tree, under checkpoints that are all consistent and truly signed."""
    leaves = transparency.list_leaves(0, 10_000)
    ids = [transparency.read_leaf(leaf).public_id for leaf in leaves]
    assert sorted(ids) == sorted({*ids, *names})
    signed = LogDirectory(settings.log_directory)
    assert [leaf for _, leaf in signed.iter_entries()] == leaves
    keys = [transparency.read_key(vkey) for vkey in transparency.log_vkeys()]
    known = checkpoints()
    assert known
    assert known[-1].size == len(leaves)
    for one in known:
        note = transparency.read_note(one.note)
        assert transparency.verified_by(note, keys, signing_keys.is_signed_by)
        assert transparency.read_checkpoint(note.text).root == one.root
        assert naive.root(leaves[: one.size]) == one.root


@pytest.mark.requirement("T-013")
@pytest.mark.requirement("T-014")
def test_new_leaves_come_under_a_checkpoint_signed_by_the_log(
    organisation: Organisation, settings: Settings
) -> None:
    queue_leaves(organisation, "lea_one", "lea_two")
    newest = keep(settings)
    assert newest.size == 3  # the log's own key has a leaf too
    lines = newest.note.split("\n")
    assert lines[:2] == ["localhost/log", "3"]
    assert lines[4].startswith("— localhost/log ")
    assert_whole(settings, "lea_one", "lea_two")


def test_nothing_new_is_not_signed_again(organisation: Organisation, settings: Settings) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    keep(settings)
    assert len(checkpoints()) == 1


@pytest.mark.requirement("T-046")
def test_the_private_key_is_readable_by_its_owner_only(
    organisation: Organisation, settings: Settings
) -> None:
    keep(settings)
    key = settings.log_directory / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.log_directory.stat().st_mode) == 0o700
    assert key.read_text(encoding="utf-8").startswith("PRIVATE+KEY+localhost/log+")


@pytest.mark.requirement("T-011")
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_after_any_write_loses_and_forks_nothing(
    organisation: Organisation, settings: Settings, environ: dict[str, str], step: str
) -> None:
    queue_leaves(organisation, "lea_one", "lea_two")
    keep(settings)
    queue_leaves(organisation, "lea_three", "lea_four")
    assert die_at(step, environ) == -signal.SIGKILL
    queue_leaves(organisation, "lea_five")
    keep(settings)
    assert_whole(settings, "lea_one", "lea_two", "lea_three", "lea_four", "lea_five")
    sizes = [one.size for one in checkpoints()]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_in_the_first_turn_of_all_does_no_harm(
    organisation: Organisation, settings: Settings, environ: dict[str, str], step: str
) -> None:
    queue_leaves(organisation, "lea_one")
    assert die_at(step, environ) == -signal.SIGKILL
    keep(settings)
    assert_whole(settings, "lea_one")


def test_a_note_that_was_signed_but_never_seen_is_published_as_it_is(
    organisation: Organisation, settings: Settings, environ: dict[str, str]
) -> None:
    queue_leaves(organisation, "lea_one")
    assert die_at("signed", environ) == -signal.SIGKILL
    remembered = LogDirectory(settings.log_directory).read_signed()
    assert remembered is not None
    assert checkpoints() == []
    assert keep(settings).note == remembered.note


def test_torn_files_are_mended(
    organisation: Organisation, settings: Settings, environ: dict[str, str]
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    queue_leaves(organisation, "lea_two")
    assert die_at("appending", environ) == -signal.SIGKILL
    entries = settings.log_directory / "entries"
    entries.write_bytes(entries.read_bytes()[:-7])
    (settings.log_directory / "signed.new").write_text('{"size": 9')
    keep(settings)
    assert_whole(settings, "lea_one", "lea_two")


def test_lost_entries_are_written_again_from_the_database(
    organisation: Organisation, settings: Settings
) -> None:
    queue_leaves(organisation, "lea_one", "lea_two")
    keep(settings)
    (settings.log_directory / "entries").unlink()
    queue_leaves(organisation, "lea_three")
    keep(settings)
    assert_whole(settings, "lea_one", "lea_two", "lea_three")


def test_there_is_one_keeper_at_a_time(organisation: Organisation, settings: Settings) -> None:
    with keeper_of(settings), pytest.raises(NotAllowed, match="Another log keeper"):
        LogKeeper(settings.log_directory, settings.log_origin, seconds=0)


@pytest.mark.requirement("T-015")
def test_a_second_keeper_with_a_directory_of_its_own_signs_nothing(
    organisation: Organisation, settings: Settings, tmp_path: Path
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    queue_leaves(organisation, "lea_two")
    other = LogKeeper(tmp_path / "other", settings.log_origin, seconds=0)
    assert other.turn() is None
    other.close()
    assert len(checkpoints()) == 1
    (alarm,) = transparency.list_alarms()
    assert "key" in alarm.message
    assert not (tmp_path / "other" / "key").exists()


@pytest.mark.requirement("T-015")
def test_without_the_memory_of_what_was_signed_nothing_is_signed(
    organisation: Organisation, settings: Settings
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    (settings.log_directory / "signed").unlink()
    queue_leaves(organisation, "lea_two")
    with keeper_of(settings) as keeper:
        assert keeper.turn() is None
    assert len(checkpoints()) == 1
    assert transparency.find_position("lea_two") is None
    (alarm,) = transparency.list_alarms()
    assert alarm.kind == "refused"
    assert "--checkpoint" in alarm.message


@pytest.mark.requirement("T-015")
def test_a_lost_key_is_not_replaced_in_silence(
    organisation: Organisation, settings: Settings
) -> None:
    queue_leaves(organisation, "lea_one")
    keep(settings)
    shutil.move(settings.log_directory / "key", settings.log_directory / "elsewhere")
    queue_leaves(organisation, "lea_two")
    with keeper_of(settings) as keeper:
        assert keeper.turn() is None
        assert not (settings.log_directory / "key").exists()
        assert transparency.list_alarms()
        shutil.move(settings.log_directory / "elsewhere", settings.log_directory / "key")
        assert keeper.turn() is not None
    assert transparency.list_alarms() == []
    assert_whole(settings, "lea_one", "lea_two")


@pytest.mark.requirement("T-046")
def test_a_rotation_signs_with_both_keys_and_then_with_the_new_one(
    organisation: Organisation, settings: Settings
) -> None:
    directory = LogDirectory(settings.log_directory)
    first = keep(settings)
    (old,) = transparency.log_vkeys()
    with pytest.raises(NotAllowed):
        transparency.finish_rotation(directory, settings.log_origin)
    fresh = transparency.begin_rotation(directory, settings.log_origin)
    with pytest.raises(NotAllowed):
        transparency.begin_rotation(directory, settings.log_origin)
    both = keep(settings)
    assert both.size == first.size + 1  # the new key's own leaf
    assert transparency.log_vkeys() == [old, str(fresh.public)]
    note = transparency.read_note(both.note)
    for vkey in transparency.log_vkeys():
        key = transparency.read_key(vkey)
        assert transparency.verified_by(note, [key], signing_keys.is_signed_by) == [key]
    transparency.finish_rotation(directory, settings.log_origin)
    last = keep(settings)
    assert [one.name for one in transparency.read_note(last.note).signatures] == ["localhost/log"]
    assert transparency.log_vkeys() == [str(fresh.public)]
    assert [key.until is None for key in transparency.list_keys()] == [False, True]


def test_the_process_signs_soon_and_goes_when_told(
    organisation: Organisation, settings: Settings, environ: dict[str, str], tmp_path: Path
) -> None:
    with WorkerProcess(environ, "--log", log=tmp_path / "keeper.log") as keeper:
        queue_leaves(organisation, "lea_one")

        def is_signed() -> bool:
            db.session.rollback()
            position = transparency.find_position("lea_one")
            return position is not None and bool(transparency.find_checkpoint_over(position))

        wait_for(is_signed, timeout=30)
        with WorkerProcess(environ, "--log", log=tmp_path / "second.log") as second:
            assert second.process.wait(timeout=30) == 1
        assert "Another log keeper" in (tmp_path / "second.log").read_text()
        assert keeper.stop() == 0
    assert_whole(settings, "lea_one")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_does_not_answer_is_waited_for(
    organisation: Organisation, settings: Settings, tmp_path: Path
) -> None:
    queue_leaves(organisation, "lea_one")
    with keeper_of(settings) as keeper:
        db.session.remove()
        db.engine.dispose()
        shutil.move(tmp_path / "mailer.db", tmp_path / "away.db")
        (tmp_path / "mailer.db").mkdir()
        assert keeper.turn() is None
        (tmp_path / "mailer.db").rmdir()
        shutil.move(tmp_path / "away.db", tmp_path / "mailer.db")
        assert keeper.turn() is not None
    assert transparency.list_alarms() == []
