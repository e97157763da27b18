"""What belongs to the running application: its settings. The one place that asks Flask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app

from mailer.foundation.settings import Settings

KEY = "mailer.settings"


def extensions() -> dict[str, Any]:
    """What else is kept for as long as the application lives, by name."""
    return _application().extensions


@contextmanager
def fresh() -> Iterator[None]:
    """Inside, the same application with a database session of its own, which ends with it."""
    with _application().app_context():
        yield


def settings() -> Settings:
    """The settings of the application whose context is active."""
    # As `_application` says; this is asked for more often than anything else.
    found: Settings = current_app._get_current_object().extensions[KEY]  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def _application() -> Flask:
    # Flask's documented way to the application itself; each look through the proxy costs as much.
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return found
