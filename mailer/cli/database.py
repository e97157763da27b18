"""Commands about the database."""

from __future__ import annotations

import argparse

from mailer import consent
from mailer.app import create_app
from mailer.cli import rights
from mailer.foundation import revisions, schema
from mailer.foundation.database import unit_of_work
from mailer.foundation.settings import Settings


def upgrade(_given: argparse.Namespace) -> int:
    """Run the migrations that are missing; doing it twice does no harm."""
    settings = Settings.from_environment()
    settings.data_directory.mkdir(parents=True, exist_ok=True)
    with create_app(settings).app_context():
        before = revisions.current_revision()
        schema.upgrade()
        after = revisions.current_revision()
        _move_keys()
        rights.reapply_all()
    print(
        f"The database is at {after}."
        if before == after
        else f"From {before or 'empty'} to {after}."
    )
    return 0


def _move_keys() -> None:
    """Keys that an earlier version kept beside the evidence go to the key store, in small steps."""
    moved = 1
    while moved:
        with unit_of_work():
            moved = consent.move_keys()
