"""The WSGI entry: `gunicorn wsgi:app`."""

from mailer.app import create_app
from mailer.foundation.settings import Settings

app = create_app(Settings.from_environment())
