"""The application as every process of the service has it: settings, log lines, the database."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from flask import Flask

from mailer.foundation import context, database, logs
from mailer.foundation.settings import Settings


def keep_private(directory: Path) -> None:
    """Have all files of this process belong to its user alone; what lies in `directory` is closed to others.

    For the beginning of a program, before it makes a file: addresses and keys lie in there (GDPR Art. 32).
    """
    os.umask(0o077)
    for path in (directory, *directory.glob("*")):
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(path.lstat().st_mode)
            if mode & stat.S_IRWXO and not path.is_symlink():
                path.chmod(mode & ~stat.S_IRWXO)


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
