"""The WSGI entry: `gunicorn wsgi:app`."""

from __future__ import annotations

import gc

from mailer.app import create_app
from mailer.foundation.settings import Settings

# A page is thousands of objects, and hardly any of them hold each other; much more, and they would no longer
# stay in the processor's cache.
COLLECT_AFTER = 3_000, 10, 10

app = create_app(Settings.from_environment())
gc.collect()
gc.freeze()  # what exists now stays: it is not looked at again, and forked workers go on sharing it
gc.set_threshold(*COLLECT_AFTER)
