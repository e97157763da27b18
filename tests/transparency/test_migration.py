"""Records that were there before the log was: the migration queues a leaf for each, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from flask import Flask

from mailer import transparency
from mailer.app import create_app
from mailer.foundation import schema
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.revisions import MIGRATIONS
from tests.conftest import settings_for
from tests.support.postgres import create_database, drop_database

MOMENT = "2026-11-23 10:00:00.123000"


@pytest.fixture(params=["sqlite", "postgresql"])
def old_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application on a database as it was before the log."""
    url = ""
    if request.param == "postgresql":
        url = create_database(request.getfixturevalue("postgres_server"))
    changes = {"MAILER_DATABASE_URL": url} if url else {}
    app = create_app(settings_for(tmp_path, **changes))
    with app.app_context():
        with db.engine.connect().execution_options(write=True) as connection, connection.begin():
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "0003")
        yield app
        db.session.remove()
        db.engine.dispose()
    if url:
        drop_database(url)


def fill(table: str, **values: object) -> None:
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    db.session.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


@pytest.mark.requirement("T-011")
def test_records_of_before_get_their_leaves(old_app: Flask) -> None:
    columns = {
        str(column["name"]): column for column in sa.inspect(db.engine).get_columns("organisations")
    }
    with unit_of_work():
        for number in (1, 2):
            given = {name: "" for name, column in columns.items() if not column["nullable"]}
            fill(
                "organisations",
                **{**given, "id": number, "public_id": f"org_{number}", "created_at": MOMENT},
            )
            fill(
                "consent_subjects",
                id=number,
                public_id=f"sub_{number}",
                organisation_id=number,
                created_at=MOMENT,
            )
            fill(
                "consent_records",
                id=10 - number,
                public_id=f"rec_{number}",
                organisation_id=number,
                subject_id=number,
                matter="tracking",
                state="refused",
                algorithm="sha256-salted-jcs-v1",
                commitment=bytes(32),
                recorded_at=MOMENT,
            )
    db.session.remove()
    schema.upgrade()
    with unit_of_work():
        assert transparency.sequence() == 2
    first, second = (transparency.read_leaf(leaf) for leaf in transparency.list_leaves(0, 2))
    assert (first.public_id, second.public_id) == ("rec_2", "rec_1")
    assert first.time == "2026-11-23T10:00:00.123Z"
    assert first.organisation.startswith("lop_")
    assert len({first.organisation, second.organisation}) == 2
