"""Keys of people lie apart, and what is destroyed is gone from the files too."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import consent
from mailer.app import create_app
from mailer.consent import TRACKING
from mailer.foundation import keystore
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import SettingsInvalid, Unavailable
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.factories import make_organisation


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application whose key store is of each kind."""
    changes = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        changes["MAILER_KEYS_URL"] = postgres.create_database(server)
    app = create_app(settings_for(tmp_path, **changes))
    with app.app_context():
        yield app
        keystore.dispose()
        db.engine.dispose()
    if changes:
        postgres.drop_database(changes["MAILER_KEYS_URL"])


def test_a_key_is_found_again_until_it_is_destroyed(kept: Flask) -> None:
    keystore.put("sub_a", b"sealed a")
    keystore.put_many({"sub_b": b"sealed b", "sub_c": b"sealed c"})
    assert keystore.find("sub_a") == b"sealed a"
    assert keystore.destroy(["sub_a", "sub_c", "sub_unknown"]) == 2
    assert keystore.find("sub_a") is None
    assert keystore.find_many(["sub_a", "sub_b", "sub_c"]) == {"sub_b": b"sealed b"}


@pytest.mark.requirement("T-006")
def test_a_destroyed_key_leaves_no_trace_in_the_files(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    key = secrets.token_bytes(60)
    with app.app_context():
        keystore.put("sub_a", key)
        files = list(tmp_path.glob("keys.db*"))
        assert any(key in path.read_bytes() for path in files)
        keystore.destroy(["sub_a"])
        keystore.dispose()
    assert not any(key in path.read_bytes() for path in tmp_path.glob("keys.db*"))


def test_a_key_is_on_the_disk_before_the_row_that_needs_it(tmp_path: Path) -> None:
    """What a power failure leaves cannot be tried here; SQLite tells how it commits."""
    app = create_app(settings_for(tmp_path))
    with app.app_context():
        keystore.put("sub_first", b"sealed")
        (engine,) = [one for one in app.extensions.values() if isinstance(one, sa.Engine)]
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        keystore.dispose()
        db.engine.dispose()


def test_the_keys_stand_in_slices_by_age(kept: Flask) -> None:
    keystore.put_many({f"sub_{number:04}": b"x" for number in range(1_200)})
    assert list(keystore.iter_names(before=now() - timedelta(hours=1))) == []
    slices = list(keystore.iter_names(before=now() + timedelta(seconds=1)))
    assert [len(part) for part in slices] == [500, 500, 200]


def test_a_key_whose_person_was_never_committed_is_swept_away(app: Flask) -> None:
    organisation = make_organisation()
    with unit_of_work():
        alive = consent.create_subject(organisation)
    keystore.put("sub_stray", b"x")
    assert consent.sweep_keys() == 0  # it may belong to somebody who is being entered now
    assert consent.sweep_keys(older_than=timedelta(seconds=-1)) == 1
    assert keystore.find("sub_stray") is None
    assert keystore.find(alive.public_id) is not None


@pytest.mark.requirement("T-050")
def test_an_older_copy_of_the_database_opens_nothing_once_the_key_is_gone(app: Flask) -> None:
    organisation = make_organisation()
    with unit_of_work():
        subject = consent.create_subject(organisation)
        record = consent.record_refused(subject, TRACKING, {"said": "no"})
    keystore.destroy([subject.public_id])  # what an erasure does; this database knows nothing of it
    assert consent.read_payload(record) is None


def test_a_store_that_is_the_main_database_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    with pytest.raises(SettingsInvalid, match="MAILER_KEYS_URL"):
        settings_for(tmp_path, MAILER_DATABASE_URL=url, MAILER_KEYS_URL=url)


def test_a_store_that_cannot_be_reached_is_told_as_such(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, MAILER_KEYS_URL="sqlite:////nowhere/at/all.db"))
    with app.app_context(), pytest.raises(Unavailable, match="key store"):
        keystore.find("sub_a")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_programs_may_be_the_first_to_open_a_new_store(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """A brand-new service: the clock looks for stray keys while the first visitors sign up."""
    programs = 6
    for turn in range(6):
        changes = {}
        if kind == "postgresql":
            server = request.getfixturevalue("postgres_server")
            changes["MAILER_KEYS_URL"] = postgres.create_database(server)
        directory = tmp_path / str(turn)
        directory.mkdir()
        apps = [create_app(settings_for(directory, **changes)) for _ in range(programs)]
        start = threading.Barrier(programs)

        def put(number: int, apps: list[Flask] = apps, start: threading.Barrier = start) -> None:
            with apps[number].app_context():
                start.wait()
                keystore.put(f"sub_{number}", b"sealed")

        with ThreadPoolExecutor(programs) as pool:
            list(pool.map(put, range(programs)))
        with apps[0].app_context():
            assert (
                len(keystore.find_many(f"sub_{number}" for number in range(programs))) == programs
            )
        for app in apps:
            with app.app_context():
                keystore.dispose()
                db.engine.dispose()
        if changes:
            postgres.drop_database(changes["MAILER_KEYS_URL"])
