"""The application as every process of the service has it: settings, log lines, the database."""

from __future__ import annotations

from flask import Flask

from mailer.foundation import context, database, logs
from mailer.foundation.settings import Settings


def equip(app: Flask, settings: Settings) -> None:
    """Have `app` work with `settings`; opens no connection yet."""
    app.extensions[context.KEY] = settings
    logs.configure(settings.log_level)
    database.prepare(app, settings.database_url)


def create_plain_app(settings: Settings) -> Flask:
    """An application without pages, for a process that nobody visits: they would be a tenth of its memory."""
    app = Flask("mailer", static_folder=None)
    equip(app, settings)
    return app
