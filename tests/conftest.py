"""Fixtures for everybody: settings, an application on both databases, a client, a Redis, a browser.

What is heavy is imported where it is used, so that a test of a pure function starts at once.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, Page

    from mailer.devkit import EmbeddedRedis
    from mailer.foundation.settings import Settings
    from tests.support.clean_database import CleanDatabase

MEMORY = Path("/dev/shm")  # a file system in memory, on Linux
ENOUGH = 3 * 1024**3  # octets that a run writes there at the most, with some to spare

# Nothing of a test is worth waiting for the disk.
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > ENOUGH
):
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def environ_for(directory: Path, **changes: str) -> dict[str, str]:
    """The environment of a test service: everything in `directory`, fresh secrets, and `changes`."""
    return {
        "MAILER_ENVIRONMENT": "test",
        "MAILER_DATA_DIRECTORY": str(directory),
        "MAILER_SECRET_KEYS": secrets.token_urlsafe(48),
        "MAILER_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
        "MAILER_ADDRESS_PEPPER": secrets.token_urlsafe(48),
        "MAILER_FORM_TOKEN_MIN_SECONDS": "0",
        "MAILER_PUBLIC_URL": "http://localhost",
        "MAILER_ADMIN_URL": "http://office.localhost",
        "MAILER_MX_LOOKUP": "off",
        **changes,
    }


def settings_for(directory: Path, **changes: str) -> Settings:
    """Settings of a test, as `environ_for` describes them."""
    from mailer.foundation.settings import Settings

    return Settings.from_environment(environ_for(directory, **changes))


def migrate(settings: Settings) -> None:
    """Bring the database of `settings` to the newest migration and let go of it."""
    from mailer.app import create_app
    from mailer.foundation import schema
    from mailer.foundation.database import db

    app = create_app(settings)
    with app.app_context():
        schema.upgrade()
        db.engine.dispose()


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Commands of ours give up rights for the rest of their process, which here is that of other tests."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy from."""
    directory = tmp_path_factory.mktemp("template")
    migrate(settings_for(directory))
    return directory / "mailer.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a private PostgreSQL server."""
    from tests.support import postgres

    try:
        with postgres.run_postgres() as url:
            yield url
    except postgres.PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_template(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated, empty PostgreSQL database to copy from."""
    from tests.support import postgres

    url = postgres.create_database(postgres_server)
    migrate(settings_for(tmp_path_factory.mktemp("template"), MAILER_DATABASE_URL=url))
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def clean_database(postgres_server: str, postgres_template: str) -> Iterator[CleanDatabase]:
    """A PostgreSQL database that is emptied for each test."""
    from tests.support.clean_database import CleanDatabase

    database = CleanDatabase(postgres_server, postgres_template)
    yield database
    database.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "mailer.db")
        yield f"sqlite:///{tmp_path / 'mailer.db'}"
        return
    database = request.getfixturevalue("clean_database")
    if request.node.get_closest_marker("new_database"):
        database.make_anew()
    yield database.clean()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return settings_for(tmp_path, MAILER_DATABASE_URL=database_url)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application on an empty, migrated database, with its context active."""
    from mailer.app import create_app
    from mailer.foundation import keystore
    from mailer.foundation.database import db

    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
        keystore.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A real Redis where the settings expect it."""
    from tests.support.redis_server import run_redis

    with run_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; ended with its file, for its event loop must not stand in the way of other tests."""
    from playwright.sync_api import sync_playwright

    from tests.support.chromium import launch_browser

    with sync_playwright() as playwright:
        chromium = launch_browser(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab that knows nothing of other tests."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
