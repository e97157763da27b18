"""Whether anything can be written now: asked of the disk, and of the database by writing."""

from __future__ import annotations

import shutil
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import Model

LEAST_FREE = 32 * 1024 * 1024  # octets


class WriteCheck(Model):
    """When it was last shown that the database can be written; one row."""

    __tablename__ = "write_checks"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    written_at: Mapped[datetime]


def is_disk_full() -> bool:
    """Whether the disk of the data directory has no room for what comes in. Raises OSError."""
    return shutil.disk_usage(settings().data_directory).free < LEAST_FREE


def write_moment() -> None:
    """Write that the database takes writes now, in the unit of work that is open."""
    driver.execute(
        "INSERT INTO write_checks (id, written_at) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at",
        (driver.moment_in(now()),),
    )
