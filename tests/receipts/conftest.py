from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer.app import create_app
from tests.conftest import settings_for
from tests.support.make_consents import Cleo, make_cleo


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


@pytest.fixture
def one_app(tmp_path: Path) -> Iterator[Flask]:
    """An application for what asks no database: one kind is enough."""
    app = create_app(settings_for(tmp_path))
    with app.app_context():
        yield app
