"""/health is good only while what comes in can be kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from mailer.app import create_app
from mailer.foundation import keystore
from mailer.foundation.database import db
from tests.conftest import migrate, settings_for
from tests.support.full_disk import can_mount, mount_small_disk
from tests.support.waiting import wait_for


@pytest.fixture
def read_only(app: Flask) -> Iterator[None]:
    """The database answers, and refuses every write."""
    engine = db.engine
    is_sqlite = engine.dialect.name == "sqlite"
    statement = "PRAGMA query_only=ON" if is_sqlite else "SET default_transaction_read_only = on"

    def refuse(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(statement)
        cursor.close()
        if not is_sqlite:
            connection.commit()  # type: ignore[attr-defined]

    db.session.remove()
    engine.dispose()
    event.listen(engine, "connect", refuse)
    yield
    event.remove(engine, "connect", refuse)


def test_a_database_that_takes_no_writes_is_not_well(read_only: None, client: FlaskClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["database"] == "takes no writes"
    assert "answer" in answer.json["status"]


def test_a_key_store_that_takes_no_writes_is_not_well(app: Flask, client: FlaskClient) -> None:
    assert client.get("/health").status_code == 200
    keystore.dispose()
    db.session.remove()
    app.extensions.pop("mailer.write_check")
    store = Path(app.extensions["mailer.settings"].keys_url.removeprefix("sqlite:///"))
    for path in store.parent.glob(f"{store.name}*"):
        path.unlink()
    store.mkdir()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "key store" in answer.json["status"]


def test_asking_often_writes_once_a_second(app: Flask, client: FlaskClient) -> None:
    moments = set()
    for _ in range(20):
        assert client.get("/health").status_code == 200
        moments.add(db.session.scalar(sa.text("SELECT written_at FROM write_checks")))
        db.session.rollback()
    assert len(moments) < 20


@pytest.mark.parametrize("kind", ["small disk"] if can_mount() else [])
def test_a_full_disk_is_not_well_until_there_is_room_again(kind: str, tmp_path: Path) -> None:
    with mount_small_disk(tmp_path / "disk") as disk:
        settings = settings_for(disk.directory)
        migrate(settings)
        app = create_app(settings)
        client = app.test_client()
        assert client.get("/health").status_code == 200
        disk.fill(0)
        wait_for(lambda: client.get("/health").status_code == 503)
        answer = client.get("/health").json
        assert answer is not None
        assert answer["status"] == (
            "The disk is full: nothing that comes in can be kept. Make room on it."
        )
        disk.free(0)
        wait_for(lambda: client.get("/health").status_code == 200)
        with app.app_context():
            db.engine.dispose()
            keystore.dispose()
