"""When temporary refusals are tried again, as configured."""

from __future__ import annotations

from datetime import timedelta

from mailer.delivery.outcomes import Retries
from mailer.foundation.context import settings


def retries() -> Retries:
    """The schedule of `MAILER_RETRY_MINUTES` and `MAILER_GIVE_UP_HOURS` (E-085)."""
    return Retries(
        first=timedelta(minutes=settings().retry_minutes),
        give_up=timedelta(hours=settings().give_up_hours),
    )
