"""What belongs to the running application: its settings. The one place that asks Flask for them."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app

from mailer.foundation.settings import Settings

KEY = "mailer.settings"


def extensions() -> dict[str, Any]:
    """What else is kept for as long as the application lives, by name."""
    return current_app.extensions


def settings() -> Settings:
    """The settings of the application whose context is active."""
    return cast("Settings", current_app.extensions[KEY])
