"""The WSGI entry: `gunicorn wsgi:app`."""

from __future__ import annotations

import gc
import sys

from flask import Flask

from mailer.app import create_app
from mailer.foundation.application import keep_private
from mailer.foundation.errors import SettingsInvalid
from mailer.foundation.settings import Settings

# A page is thousands of objects, and hardly any of them hold each other; much more, and they would no longer
# stay in the processor's cache.
COLLECT_AFTER = 3_000, 10, 10

APP_LOAD_ERROR = 4  # gunicorn's own status: without --preload any other has it try again for ever


def _create() -> Flask:
    """The application, or the end with one line about what is set wrongly."""
    try:
        settings = Settings.from_environment()
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(APP_LOAD_ERROR)
    keep_private(settings.data_directory)
    return create_app(settings)


app = _create()
gc.collect()
gc.freeze()  # what exists now stays: it is not looked at again, and forked workers go on sharing it
gc.set_threshold(*COLLECT_AFTER)
