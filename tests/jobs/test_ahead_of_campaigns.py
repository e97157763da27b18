"""Service mail beside a campaign: it has a worker and a connection of its own."""

from __future__ import annotations

import threading
import time

import pytest

from mailer.devkit import EmbeddedRedis
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.factories import make_form, make_request, submission
from tests.support.scripted_smtp import Session
from tests.support.waiting import wait_for

TAKEN = b"250 2.0.0 taken\r\n"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_confirmation_does_not_wait_behind_a_campaign(
    service: RealParts, redis_server: EmbeddedRedis
) -> None:
    """The relay is so slow that the campaign lasts for minutes; the confirmation is there at once."""

    def slow_for_campaigns(session: Session) -> bytes:
        if session.rcpt_to.startswith("reader"):
            threading.Event().wait(0.5)
        return TAKEN

    service.smtp.reactions["dot"] = slow_for_campaigns
    form = make_form(service.organisation, service.mailing_list)
    service.start_campaign(1_000)
    with service.worker("--queue", "bulk"), service.worker("--queue", "first"):
        waking.wake_drains()
        wait_for(lambda: len(service.smtp.received) >= 8, timeout=60)
        given = submission(service.organisation, form, service.mailing_list)
        began = time.monotonic()
        make_request(given)
        waking.wake_send_due()
        wait_for(lambda: "cleo@example.org" in service.received, timeout=30)
        assert time.monotonic() - began < 10
        assert len(service.received) < 1_000
