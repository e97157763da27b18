"""Whose mail servers a domain has: noted, asked about once a week, and what planning makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailer import contacts, delivery, destinations
from mailer.destinations.models import DomainWalk, MailDomain
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.mail_hosts import Finding, MailHosts
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.delivery.conftest import Mailing
from tests.support.factories import DORA, make_organisation
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import deliveries_of, make_started

GOOGLE = MailHosts(Finding.HOSTS, ((1, "aspmx.l.google.com"), (5, "alt1.aspmx.l.google.com")))
OWN = MailHosts(Finding.HOSTS, ((10, "mx.firm.test"),))
WEEK = timedelta(days=7)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """With look-ups, which other tests do without."""
    return settings_for(tmp_path, MAILER_DATABASE_URL=database_url, MAILER_MX_LOOKUP="on")


def _note_all(size: int = 10) -> None:
    has_more = True
    while has_more:
        with unit_of_work():
            has_more = destinations.note_domains(size=size)


def _take() -> Mapping[str, str]:
    with unit_of_work():
        return destinations.take_domains(limit=40)


def _tell(**answers: MailHosts) -> None:
    with unit_of_work():
        destinations.note_hosts({f"{name}.test": answer for name, answer in answers.items()})


def _row(domain: str) -> MailDomain:
    db.session.expire_all()
    return db.session.get_one(MailDomain, domain)


def _gap(domain: str) -> timedelta:
    row = _row(domain)
    assert row.looked_up_at is not None
    return row.ask_again_at - row.looked_up_at


def _let_pass(time: timedelta) -> None:
    """As if so much time had passed since everything that is known."""
    with unit_of_work():
        for row in db.session.scalars(sa.select(MailDomain)):
            row.ask_again_at -= time
            row.seen_at -= time
        for walk in db.session.scalars(sa.select(DomainWalk)):
            walk.began_at -= time


def _destinations(mailing: Mailing) -> list[str]:
    campaign = make_started(mailing.organisation, mailing.mailing_list)
    with unit_of_work():
        delivery.plan(campaign.id)
    return sorted({row.destination for row in deliveries_of(campaign)} - {"example.org"})


def test_each_domain_of_a_contact_is_asked_about_once(mailing: Mailing) -> None:
    for domain in ("firm.test", "other.test", "gmail.com", "bücher.test"):
        make_people(mailing.mailing_list, 12, domain=domain)
    assert destinations.has_domains_due()
    _note_all()
    assert _take() == {
        "firm.test": "firm.test",
        "other.test": "other.test",
        "bücher.test": "xn--bcher-kva.test",
    }
    assert _take() == {}
    assert not destinations.has_domains_due()


@pytest.mark.requirement("E-065")
def test_a_domain_hosted_at_a_provider_is_planned_as_the_providers(mailing: Mailing) -> None:
    for domain in ("firm.test", "own.test", "new.test", "gmail.com", "bücher.test"):
        make_people(mailing.mailing_list, 2, domain=domain)
    _note_all()
    _tell(firm=GOOGLE, own=OWN, bücher=OWN)
    assert _destinations(mailing) == ["google", "new.test", "own.test", "xn--bcher-kva.test"]


def test_a_campaign_that_is_being_sent_keeps_its_destinations(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 2, domain="firm.test")
    campaign = make_started(mailing.organisation, mailing.mailing_list)
    with unit_of_work():
        delivery.plan(campaign.id)
    _note_all()
    _tell(firm=GOOGLE)
    assert {row.destination for row in deliveries_of(campaign)} == {"example.org", "firm.test"}


def test_a_new_contact_is_noted_without_a_new_walk(mailing: Mailing) -> None:
    _note_all()
    make_people(mailing.mailing_list, 1, domain="late.test")
    assert destinations.has_domains_due()
    _note_all()
    assert list(_take()) == ["late.test"]


def test_what_was_found_is_asked_again_after_a_week(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 1, domain="firm.test")
    _note_all()
    _tell(firm=GOOGLE)
    assert _gap("firm.test") == WEEK
    _let_pass(WEEK + timedelta(seconds=1))
    assert list(_take()) == ["firm.test"]
    _tell(firm=OWN)
    assert _row("firm.test").mx_group is None


@pytest.mark.parametrize("finding", [Finding.NO_MAIL, Finding.NO_DOMAIN, Finding.FAILED])
def test_a_look_up_that_led_to_nothing_is_done_again_after_growing_gaps(
    mailing: Mailing, finding: Finding
) -> None:
    make_people(mailing.mailing_list, 1, domain="firm.test")
    _note_all()
    gaps = []
    for _ in range(12):
        _tell(firm=MailHosts(finding))
        gaps.append(_gap("firm.test"))
    assert gaps[:3] == [timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)]
    assert gaps[-1] == WEEK
    assert _destinations(mailing) == ["firm.test"]
    _tell(firm=GOOGLE)
    assert _gap("firm.test") == WEEK


@pytest.mark.parametrize(
    ("finding", "destination"),
    [
        (Finding.FAILED, "google"),
        (Finding.SILENT, "google"),
        (Finding.NO_DOMAIN, "firm.test"),
        (Finding.NO_MAIL, "firm.test"),
        (Finding.NO_HOSTS, "firm.test"),
    ],
)
def test_only_an_answer_takes_away_what_was_known(
    mailing: Mailing, finding: Finding, destination: str
) -> None:
    make_people(mailing.mailing_list, 1, domain="firm.test")
    _note_all()
    _tell(firm=GOOGLE)
    _tell(firm=MailHosts(finding))
    assert _destinations(mailing) == [destination]


def test_a_dns_that_answers_nothing_is_left_alone_for_minutes(mailing: Mailing) -> None:
    for name in ("one", "two", "three"):
        make_people(mailing.mailing_list, 1, domain=f"{name}.test")
    _note_all()
    silent = MailHosts(Finding.SILENT)
    with unit_of_work():
        [first] = destinations.take_domains(limit=1)
        destinations.note_hosts({first: silent})
    assert _take() == {}
    _let_pass(timedelta(minutes=5, seconds=1))
    assert len(_take()) == 2


def test_who_takes_domains_and_dies_leaves_them_to_others(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 1, domain="firm.test")
    _note_all()
    _take()
    _let_pass(timedelta(minutes=5, seconds=1))
    assert list(_take()) == ["firm.test"]


def test_a_domain_nobody_has_any_more_is_forgotten_within_two_days(mailing: Mailing) -> None:
    [address] = make_people(mailing.mailing_list, 1, domain="firm.test")
    make_people(mailing.mailing_list, 1, domain="other.test")
    _note_all()
    with unit_of_work():
        contacts.erase(contact_of(address), at=now())
    for _ in range(2):
        _let_pass(timedelta(days=1, seconds=1))
        _note_all()
    assert list(db.session.scalars(sa.select(MailDomain.domain))) == ["other.test"]


def test_a_team_is_told_who_hosts_a_domain_of_its_own_people_only(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 1, domain="firm.test")
    assert destinations.find_hosting(mailing.organisation, "firm.test") is None
    _note_all()
    _tell(firm=GOOGLE)
    hosting = destinations.find_hosting(mailing.organisation, " @Firm.test ")
    assert hosting is not None
    assert (hosting.provider, hosting.hosts) == (
        "Google",
        "1 aspmx.l.google.com, 5 alt1.aspmx.l.google.com",
    )
    assert hosting.looked_up_at is not None
    assert now() - hosting.looked_up_at < timedelta(minutes=1)
    assert destinations.find_hosting(make_organisation(DORA), "firm.test") is None
    gmail = destinations.find_hosting(mailing.organisation, "gmail.com")
    assert gmail is not None
    assert (gmail.provider, gmail.looked_up_at) == ("Google", None)


@pytest.mark.parametrize("given", ["", "google", "a b.test", "-.test", f"{'a' * 64}.test"])
def test_what_is_no_domain_is_refused(mailing: Mailing, given: str) -> None:
    with pytest.raises(Invalid, match=r"example\.org"):
        destinations.find_hosting(mailing.organisation, given)
