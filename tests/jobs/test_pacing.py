"""The pace as a receiver sees it: how many mails are on their way, and what a retry asks before it goes."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from mailer import destinations, subscriptions
from mailer.delivery import Delivery, DeliveryState, SkipReason
from mailer.destinations import LimitDraft, LimitKind
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs.delivery import drain
from mailer.jobs.runner import Shift
from tests.jobs.conftest import RealParts
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import counts_of, deliveries_of, make_started
from tests.support.scripted_smtp import Session

TAKEN = b"250 2.0.0 taken\r\n"


@dataclass
class Crowded:
    """A receiver that takes its time, and counts how many mails to a domain are there at once."""

    most: Counter[str] = field(default_factory=Counter)
    _now: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, session: Session) -> bytes:
        domain = session.rcpt_to.rpartition("@")[2]
        with self._lock:
            self._now[domain] += 1
            self.most[domain] = max(self.most[domain], self._now[domain])
        threading.Event().wait(0.02)
        with self._lock:
            self._now[domain] -= 1
        return TAKEN


@pytest.mark.requirement("E-065")
def test_only_so_many_mails_are_at_one_destination_at_once(
    service: RealParts, shift: Shift
) -> None:
    with unit_of_work():
        draft = LimitDraft(LimitKind.DESTINATION, "few.test", None, 1, None)
        destinations.set_limit(service.organisation, draft)
    for domain in ("few.test", "many.test"):
        make_people(service.mailing_list, 30, domain=domain)
    campaign = make_started(service.organisation, service.mailing_list)
    crowded = service.smtp.reactions["dot"] = Crowded()
    drain(0)
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 60}
    assert crowded.most["few.test"] == 1
    assert crowded.most["many.test"] > 1


@pytest.mark.requirement("E-085")
@pytest.mark.requirement("C-061")
def test_a_retry_asks_for_consent_anew(service: RealParts, shift: Shift) -> None:
    campaign = service.start_campaign(2)
    service.smtp.reactions["RCPT"] = b"451 4.3.0 come back later\r\n"
    drain(0)
    assert counts_of(campaign) == {DeliveryState.DEFERRED: 2}
    leaver, stayer = service.people
    with unit_of_work():
        contact = contact_of(leaver)
        mailing_list = db.session.merge(service.mailing_list, load=False)
        subscriptions.unsubscribe(contact, mailing_list, {"act": "link"})
        db.session.execute(sa.update(Delivery).values(due_at=now()))
    del service.smtp.reactions["RCPT"]
    drain(0)
    assert service.received == [stayer]
    reasons = {row.contact_id: row.skip_reason for row in deliveries_of(campaign)}
    assert reasons[contact_of(leaver).id] is SkipReason.WITHDRAWN
