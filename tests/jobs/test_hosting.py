"""Look-ups of a real DNS server on loopback, and what they mean for a campaign on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from mailer import campaigns, destinations, organisations
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState
from mailer.destinations import LimitDraft, LimitKind
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import upkeep
from mailer.jobs.delivery import drain
from mailer.jobs.runner import Shift
from tests.jobs.conftest import RealParts
from tests.support import dns_server
from tests.support.dns_server import DnsServer, mx
from tests.support.make_audience import make_people
from tests.support.make_campaigns import (
    counts_of,
    deliveries_of,
    fresh,
    make_draft,
    make_started,
)

GOOGLE = mx("1 aspmx.l.google.com", "5 alt1.aspmx.l.google.com")
ZONE = {
    "alpha.test": GOOGLE,
    "beta.test": GOOGLE,
    "gamma.test": mx("10 mx.gamma.test"),
    "delta.test": mx("0 delta-test.mail.protection.outlook.com"),
    "xn--bcher-kva.test": GOOGLE,
    "lost.test": dns_server.failed,
    "mute.test": dns_server.silent,
}


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer(dict(ZONE)) as server:
        yield server


@pytest.fixture
def more_settings(dns: DnsServer) -> dict[str, str]:
    return {"MAILER_MX_LOOKUP": "on", "MAILER_DNS_SERVERS": dns.address}


def _add_people(service: RealParts, count: int, *domains: str) -> None:
    for domain in domains:
        make_people(service.mailing_list, count, domain=domain)


def _started(service: RealParts) -> Campaign:
    """A campaign to everybody; jobs put the session away in which the service was made."""
    db.session.add_all([service.organisation, service.mailing_list])
    return make_started(service.organisation, service.mailing_list)


def _taken(service: RealParts) -> Counter[str]:
    """How many mails the relay took for each domain."""
    return Counter(one.rpartition("@")[2] for one in service.smtp.accepted)


@pytest.mark.requirement("E-065")
def test_domains_are_asked_about_and_nothing_else_is(
    service: RealParts, shift: Shift, dns: DnsServer
) -> None:
    _add_people(service, 3, "alpha.test", "bücher.test", "gamma.test", "delta.test", "gone.test")
    upkeep.look_up_domains()
    upkeep.look_up_domains()
    assert dns.asked == dict.fromkeys(
        ("alpha.test", "xn--bcher-kva.test", "gamma.test", "delta.test", "gone.test"), 1
    )
    assert dns.kinds == {"MX"}
    campaign = _started(service)
    drain(0)
    assert Counter(row.destination for row in deliveries_of(campaign)) == {
        "google": 6,
        "gamma.test": 3,
        "microsoft": 3,
        "gone.test": 3,
    }
    assert sum(dns.asked.values()) == 5


def test_a_campaign_goes_out_while_dns_is_down(
    service: RealParts, shift: Shift, dns: DnsServer
) -> None:
    _add_people(service, 5, "lost.test", "mute.test")
    upkeep.look_up_domains()
    campaign = _started(service)
    drain(0)
    assert counts_of(campaign) == {DeliveryState.ACCEPTED: 10}
    assert {row.destination for row in deliveries_of(campaign)} == {"lost.test", "mute.test"}
    assert {"lost.test", "mute.test"} <= set(dns.asked)


@pytest.mark.requirement("E-065")
@pytest.mark.parametrize(
    ("answer", "people"),
    [(b"421 4.3.2 come back later\r\n", 1), (b"451 4.7.28 too fast for us\r\n", 3)],
)
def test_a_provider_that_asks_to_wait_rests_for_all_its_domains_and_no_others(
    service: RealParts, shift: Shift, answer: bytes, people: int
) -> None:
    _add_people(service, people, "alpha.test")
    _add_people(service, 20, "gamma.test", "delta.test")
    upkeep.look_up_domains()
    service.smtp.reactions["RCPT"] = lambda session: (
        answer if "alpha" in session.rcpt_to else b"250 2.1.5 ok\r\n"
    )
    first = _started(service)
    drain(0)
    assert list(destinations.list_blocked()) == ["google"]
    _add_people(service, 20, "beta.test")
    upkeep.look_up_domains()
    second = _started(service)
    drain(0)
    assert _taken(service) == {"gamma.test": 40, "delta.test": 40}
    waiting = [row for row in deliveries_of(second) if row.destination == "google"]
    assert len(waiting) == 20 + people
    assert {row.state for row in waiting} == {DeliveryState.PLANNED}
    assert all(row.due_at and row.due_at > now() for row in waiting)
    assert counts_of(first)[DeliveryState.REFUSED] == 0


@pytest.mark.requirement("E-065")
def test_a_limit_of_a_provider_holds_for_a_domain_it_hosts(
    service: RealParts, shift: Shift
) -> None:
    _add_people(service, 10, "alpha.test", "beta.test", "gamma.test")
    upkeep.look_up_domains()
    db.session.add(service.organisation)
    with unit_of_work():
        draft = LimitDraft(LimitKind.DESTINATION, "Google", 1, None, None)
        destinations.set_limit(service.organisation, draft)
    _started(service)
    drain(0)
    taken = _taken(service)
    assert taken["gamma.test"] == 10
    assert taken["alpha.test"] + taken["beta.test"] <= 2


@pytest.mark.parametrize("more_settings", [{"MAILER_MX_LOOKUP": "off"}])
def test_where_look_ups_are_off_nobody_is_asked(
    service: RealParts, shift: Shift, dns: DnsServer
) -> None:
    _add_people(service, 1, "alpha.test")
    upkeep.look_up_domains()
    campaign = _started(service)
    drain(0)
    assert [row.destination for row in deliveries_of(campaign)] == ["alpha.test"]
    assert not dns.asked


def test_a_scheduled_campaign_does_not_start_once_its_key_is_gone_from_dns(
    service: RealParts, dns: DnsServer
) -> None:
    make_people(service.mailing_list, 3)
    domain = "harbourbooks.example"
    with unit_of_work():
        organisations.make_domain_keys(service.organisation, domain)
        organisations.begin_signing(service.organisation, domain)
    draft = make_draft(service.organisation, service.mailing_list)
    with unit_of_work():
        campaigns.schedule(draft, now() + timedelta(hours=1))
    with unit_of_work():
        db.session.execute(sa.update(Campaign).values(scheduled_at=now()))
    upkeep.wake()
    held = fresh(draft)
    assert held.state is CampaignState.DRAFT
    assert "its key is not in the DNS" in held.held_because
