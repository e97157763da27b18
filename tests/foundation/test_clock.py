from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailer.foundation import clock


def test_now_is_aware_and_in_utc() -> None:
    before = datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)
    assert before <= clock.now() <= datetime.now(UTC)


@pytest.mark.requirement("R-006")
def test_times_are_written_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 23, 12, 2, 11, 42_900, tzinfo=timezone(timedelta(hours=2)))
    assert clock.iso(moment) == "2026-11-23T10:02:11.042Z"
