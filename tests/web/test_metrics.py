"""Figures for a monitoring system, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from mailer import transparency
from mailer.app import create_app
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.transparency import AlarmKind
from tests.conftest import environ_for
from tests.support.auditing import audit
from tests.support.factories import make_organisation
from tests.support.keeping import keep, queue_leaves
from tests.support.tampering import tamper

METRICS = "http://office.localhost/admin/metrics"
TOKEN = "Zq9dPu2mXw7cRt4kLs8vYb3nGh6jFe1aTo5iWz0x"


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    environ = environ_for(tmp_path, MAILER_DATABASE_URL=database_url, MAILER_METRICS_TOKEN=TOKEN)
    return Settings.from_environment(environ)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def figures(app: Flask) -> dict[str, float]:
    answer = app.test_client().get(METRICS, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_only_who_holds_the_token_reads_them(app: Flask, tmp_path: Path) -> None:
    client = app.test_client()
    assert client.get(METRICS).status_code == 403
    for given in ("Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        answer = client.get(METRICS, headers={"Authorization": given})
        assert answer.status_code == 403
    without = create_app(Settings.from_environment(environ_for(tmp_path)))
    assert without.test_client().get(METRICS).status_code == 404


@pytest.mark.requirement("T-022")
def test_the_log_its_alarms_and_the_audit_are_told(app: Flask, settings: Settings) -> None:
    assert figures(app)["mailer_log_leaves"] == 0
    queue_leaves(make_organisation(), "lea_one")
    assert figures(app)["mailer_log_waiting"] == 1
    size = keep(settings).size
    audit()
    calm = figures(app)
    assert (calm["mailer_log_leaves"], calm["mailer_log_signed_leaves"]) == (size, size)
    assert calm["mailer_audit_finished_timestamp"] >= calm["mailer_log_signed_timestamp"]
    assert calm['mailer_log_alarm{kind="refused"}'] == 0
    assert calm['mailer_audit_findings{kind="leaf_differs"}'] == 0

    tamper("log_entries", "UPDATE log_entries SET public_id = 'lea_other' WHERE position = 0")
    audit()
    with unit_of_work():
        transparency.raise_alarm(AlarmKind.REFUSED, "It does not fit.")
    alarmed = figures(app)
    assert alarmed['mailer_audit_findings{kind="leaf_differs"}'] == 1
    assert alarmed['mailer_log_alarm{kind="refused"}'] == 1
