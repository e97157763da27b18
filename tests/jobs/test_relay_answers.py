"""Answers of a relay that are about us: they cost no reader anything, and the campaign says what to do."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from mailer import campaigns
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState
from mailer.foundation.database import db, unit_of_work
from mailer.jobs.delivery import close_campaigns, drain
from mailer.jobs.runner import Shift
from mailer.suppression import SuppressionEntry
from tests.jobs.conftest import RealParts
from tests.support.make_audience import make_people
from tests.support.make_campaigns import counts_of, deliveries_of, fresh, make_started
from tests.support.scripted_smtp import Reaction, Session

TAKEN = b"250 2.0.0 taken\r\n"
UNVERIFIED = b"554 Message rejected: this sender address is not verified\r\n"
QUOTA = b"550-5.4.5 You have used up your daily sending limit.\r\n550 5.4.5 See our help pages.\r\n"
S = DeliveryState
STANDING = sa.select(SuppressionEntry.id).where(SuppressionEntry.lifted_at.is_(None))

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _start(service: RealParts, people: int, domains: int = 0) -> Campaign:
    """A campaign to people who are spread over as many domains as there are people, or over fewer."""
    domains = domains or people
    for number in range(domains):
        make_people(
            service.mailing_list, people // domains, prefix=f"p{number}x", domain=f"d{number}.test"
        )
    return make_started(service.organisation, service.mailing_list)


def _resume(campaign: Campaign) -> None:
    with unit_of_work():
        campaigns.resume(campaigns.get_campaign_by_id(campaign.id))


def _after(count: int, answer: bytes) -> Callable[[Session], bytes]:
    """Takes so many mails, then answers otherwise."""
    numbers = iter(range(1, 1_000_000))
    lock = threading.Lock()

    def react(_: Session) -> bytes:
        with lock:
            return TAKEN if next(numbers) <= count else answer

    return react


@ONE_ENGINE
@pytest.mark.parametrize(
    ("people", "step", "reaction", "taken", "words"),
    [
        (24, "dot", _after(8, QUOTA), 8, "limit is used up"),
        (3, "dot", UNVERIFIED, 0, "Verify this sender"),
        (1, "RCPT", b"550 5.7.1 Unable to relay\r\n", 0, "user name and password"),
        (12, "RCPT", b"550 5.1.8 <us@shop.test>: Sender address rejected\r\n", 0, "sender"),
        (12, "RCPT", b"550 shop.test has exceeded the max emails per hour (9/8)\r\n", 0, "limit"),
        (12, "DATA", b"550 5.7.26 This mail is unauthenticated\r\n", 0, "SPF, DKIM or DMARC"),
        (12, "dot", b"554 5.7.1 Refused [ab12] for 10.2.3.4\r\n", 0, "matter of policy"),
        (12, "dot", b"554 Transaction failed\r\n", 0, "the same answer to everybody"),
        (3, "dot", b"552 5.3.4 Message too big for us\r\n", 0, "as it is"),
        (12, "MAIL", b"550 5.7.60 No permission to send as this sender\r\n", 0, "sender"),
        (12, "dot", b"454 Throttling failure: Daily message quota exceeded.\r\n", 0, "limit"),
        (6, "RCPT", b"454 4.7.1 <x@d.test>: Relay access denied\r\n", 0, "password"),
        (12, "RCPT", b"550 We would rather not\r\n", 0, "the same answer to everybody"),
        (12, "RCPT", b"550\r\n", 0, "the same answer to everybody"),
    ],
)  # fmt: skip
def test_the_same_answer_about_us_pauses_and_gives_everybody_back(
    service: RealParts,
    shift: Shift,
    people: int,
    step: str,
    reaction: Reaction,
    taken: int,
    words: str,
) -> None:
    campaign = _start(service, people)
    service.smtp.reactions[step] = reaction
    drain(0)
    paused = fresh(campaign)
    assert paused.state is CampaignState.PAUSED
    assert words in paused.held_because
    assert "The mail server said: “" in paused.held_because
    expected = Counter({S.PLANNED: people - taken, S.ACCEPTED: taken})
    assert counts_of(campaign) == +expected
    waiting = [one for one in deliveries_of(campaign) if one.state is S.PLANNED]
    assert {one.attempts for one in waiting} == {0}
    assert db.session.scalars(STANDING).all() == []  # nobody's address is to blame
    # Once it is mended everybody gets the mail, and nobody gets it twice.
    del service.smtp.reactions[step]
    _resume(campaign)
    drain(0)
    close_campaigns()
    assert counts_of(campaign) == {S.ACCEPTED: people}
    assert set(Counter(service.smtp.accepted).values()) == {1}


@ONE_ENGINE
def test_an_answer_of_one_domain_stays_with_its_people(service: RealParts, shift: Shift) -> None:
    """What others take is not about us: the few are refused, and the campaign goes to its end."""
    campaign = _start(service, 40, domains=20)
    service.smtp.reactions["RCPT"] = lambda session: (
        b"550 5.7.1 Relay access denied\r\n" if "@d7.test" in session.argument else b"250 ok\r\n"
    )
    drain(0)
    close_campaigns()
    assert fresh(campaign).state is CampaignState.SENT
    assert counts_of(campaign) == {S.ACCEPTED: 38, S.REFUSED: 2}


def test_an_hourly_limit_is_not_called_dead_addresses(service: RealParts, shift: Shift) -> None:
    campaign = _start(service, 120, domains=6)
    service.smtp.reactions["RCPT"] = b"550 5.1.1 hourly limit exceeded\r\n"
    drain(0)
    assert "do not exist" not in fresh(campaign).held_because
    assert counts_of(campaign) == {S.PLANNED: 120}


@ONE_ENGINE
def test_addresses_that_do_not_exist_are_still_refused(service: RealParts, shift: Shift) -> None:
    campaign = _start(service, 12)
    service.smtp.reactions["RCPT"] = b"550 5.7.1 <x@d.test>: User unknown\r\n"
    drain(0)
    close_campaigns()
    assert fresh(campaign).state is CampaignState.SENT
    assert counts_of(campaign) == {S.REFUSED: 12}


@dataclass
class Limited:
    """A relay that takes so many mails a second, with a burst of as many, or so many at once."""

    answer: bytes
    a_second: float = 1_000_000.0
    at_once: int = 1_000
    seconds: float = 0.0
    refused: int = 0
    _permits: float = 0.0
    _filled_at: float = 0.0
    _here: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, _: Session) -> bytes:
        with self._lock:
            moment = time.monotonic()
            if not self._filled_at:
                self._permits, self._filled_at = self.a_second, moment
            grown = self._permits + self.a_second * (moment - self._filled_at)
            self._permits, self._filled_at = min(self.a_second, grown), moment
            if self._permits < 1 or self._here >= self.at_once:
                self.refused += 1
                return self.answer
            self._permits -= 1
            self._here += 1
        threading.Event().wait(self.seconds)
        with self._lock:
            self._here -= 1
        return TAKEN


@ONE_ENGINE
@pytest.mark.requirement("E-065")
@pytest.mark.parametrize(
    ("step", "limited", "people"),
    [
        ("dot", Limited(b"454 Throttling failure: sending rate exceeded.\r\n", a_second=20), 60),
        ("RCPT", Limited(b"450 4.7.1 Too much mail, try again later\r\n", a_second=20), 60),
        ("dot", Limited(b"432 4.3.2 Too many connections at once.\r\n", at_once=2, seconds=0.05), 60),
        ("MAIL", Limited(b"452 4.5.3 Too many messages\r\n", a_second=20), 40),
        ("dot", Limited(b"550 5.7.0 Rate limit: slow down\r\n", a_second=20), 60),
    ],
)  # fmt: skip
def test_a_relay_that_wants_less_gets_everybody_as_fast_as_it_takes_them(
    service: RealParts, shift: Shift, step: str, limited: Limited, people: int
) -> None:
    campaign = _start(service, people, domains=5)
    service.smtp.reactions[step] = limited
    deadline = time.monotonic() + 60
    while counts_of(campaign) != {S.ACCEPTED: people} and time.monotonic() < deadline:
        drain(0)
    assert counts_of(campaign) == {S.ACCEPTED: people}
    assert set(Counter(service.smtp.accepted).values()) == {1}
    assert limited.refused < people
    # What the relay put off was no try.
    assert {one.attempts for one in deliveries_of(campaign)} == {1}


@ONE_ENGINE
def test_a_relay_that_takes_nothing_is_tried_less_and_less_often(
    service: RealParts, shift: Shift
) -> None:
    campaign = _start(service, 30)
    service.smtp.reactions["dot"] = b"451 4.3.2 Please slow down\r\n"
    thread = threading.Timer(4.0, lambda: setattr(shift, "is_ending", True))
    thread.start()
    drain(0)
    thread.join()
    assert len(service.smtp.received) < 40
    assert fresh(campaign).state is CampaignState.SENDING
    assert counts_of(campaign) == {S.PLANNED: 30}


@ONE_ENGINE
def test_greylisting_holds_up_nobody_else(service: RealParts, shift: Shift) -> None:
    campaign = _start(service, 30, domains=10)
    service.smtp.reactions["RCPT"] = lambda session: (
        b"250 ok\r\n"
        if "@d9.test" in session.argument
        else b"450 4.2.0 Greylisted, please try again later\r\n"
    )
    drain(0)
    assert counts_of(campaign) == {S.ACCEPTED: 3, S.DEFERRED: 27}
    assert shift.pacer.relay.is_free
    assert {one.attempts for one in deliveries_of(campaign)} == {1}
