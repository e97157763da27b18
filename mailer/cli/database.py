"""Commands about the database."""

from __future__ import annotations

import argparse

from mailer.app import create_app
from mailer.cli import rights
from mailer.foundation import revisions, schema
from mailer.foundation.application import keep_private
from mailer.foundation.settings import Settings


def upgrade(_given: argparse.Namespace) -> int:
    """Run the migrations that are missing; doing it twice does no harm."""
    settings = Settings.from_environment()
    settings.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    keep_private(settings.data_directory)
    with create_app(settings).app_context():
        before = revisions.current_revision()
        schema.upgrade()
        after = revisions.current_revision()
        rights.reapply_all()
    print(
        f"The database is at {after}."
        if before == after
        else f"From {before or 'empty'} to {after}."
    )
    return 0
