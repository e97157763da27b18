"""An application that has settings and nothing else: what most of the foundation needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from mailer.foundation import context
from mailer.foundation.settings import Settings
from tests.conftest import settings_for

Within = Callable[[Settings], AbstractContextManager[None]]


@contextmanager
def within(settings: Settings) -> Iterator[None]:
    """Everything inside sees these settings."""
    app = Flask("bare")
    app.extensions[context.KEY] = settings
    with app.app_context():
        yield


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Settings]:
    """The settings in force for the test; there is no database."""
    settings = settings_for(tmp_path)
    with within(settings):
        yield settings
