"""What DNS says of a sender's domain, asked of a real server on loopback, and what the pages make of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from mailer import campaigns, lists, organisations
from mailer.campaigns import Level
from mailer.foundation import dns_lookup
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.organisations import DomainDns, DomainKey, DomainKeyState, RecordFinding, Sender
from mailer.rendering import ED25519, RSA
from tests.conftest import settings_for
from tests.support.dns_server import Answer, DnsServer, failed, silent, txt
from tests.support.factories import make_list, make_organisation
from tests.support.make_accounts import make_account, team_client
from tests.support.make_audience import make_people
from tests.support.make_campaigns import make_draft

DOMAIN = "harbourbooks.example"
MISSING, OTHER, RIGHT, SILENT = (
    RecordFinding.MISSING,
    RecordFinding.OTHER,
    RecordFinding.RIGHT,
    RecordFinding.SILENT,
)
GOOD_SPF, GOOD_DMARC = txt("v=spf1 include:relay.example -all"), txt("v=DMARC1; p=reject")


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, dns: DnsServer, database_url: str) -> Settings:
    return settings_for(
        tmp_path,
        MAILER_DATABASE_URL=database_url,
        MAILER_MX_LOOKUP="on",
        MAILER_DNS_SERVERS=dns.address,
    )


@pytest.fixture
def sender(app: Flask) -> Sender:
    return organisations.get_sender_by_id(make_list(make_organisation()).sender_id)


def _keys(sender: Sender, *algorithms: str, begin: bool = True) -> list[DomainKey]:
    organisation = organisations.get_organisation_by_id(sender.organisation_id)
    with unit_of_work():
        organisations.make_domain_keys(organisation, DOMAIN, algorithms)
        if begin:
            organisations.begin_signing(organisation, DOMAIN)
    return organisations.list_domain_keys(organisation, DOMAIN)


def _ask(sender: Sender) -> DomainDns:
    question = organisations.dns_question(sender)
    assert question is not None
    return organisations.read_dns(question, dns_lookup.look_up_texts(question.names, anew=True))


@pytest.mark.requirement("E-043")
@pytest.mark.parametrize(
    ("zone", "spf", "dmarc", "policy"),
    [
        ({}, MISSING, MISSING, ""),
        ({DOMAIN: GOOD_SPF, f"_dmarc.{DOMAIN}": GOOD_DMARC}, RIGHT, RIGHT, "reject"),
        ({DOMAIN: txt("v=spf1 a -all", "v=spf1 mx -all", "other")}, OTHER, MISSING, ""),
        ({DOMAIN: txt("v=spf1 -all")}, OTHER, MISSING, ""),
        ({DOMAIN: txt("v=spf10 a -all")}, MISSING, MISSING, ""),
        ({f"_dmarc.{DOMAIN}": txt("p=reject; v=DMARC1")}, MISSING, MISSING, ""),
        ({f"_dmarc.{DOMAIN}": txt("v=dmarc1; p=reject")}, MISSING, MISSING, ""),
        ({f"_dmarc.{DOMAIN}": txt("v=DMARC1; rua=mailto:a@b.example")}, MISSING, RIGHT, "none"),
        ({"_dmarc.example": txt("v=DMARC1;p=reject;sp=quarantine")}, MISSING, RIGHT, "quarantine"),
        ({DOMAIN: failed, f"_dmarc.{DOMAIN}": silent}, SILENT, SILENT, ""),
    ],
)
def test_spf_and_dmarc_are_read_as_receivers_read_them(
    sender: Sender,
    dns: DnsServer,
    zone: dict[str, Answer],
    spf: RecordFinding,
    dmarc: RecordFinding,
    policy: str,
) -> None:
    dns.zone.update(zone)
    found = _ask(sender)
    assert (found.spf, found.dmarc, found.policy) == (spf, dmarc, policy)


@pytest.mark.requirement("E-042")
def test_a_key_signs_only_once_dns_shows_it(app: Flask, sender: Sender, dns: DnsServer) -> None:
    organisation = organisations.get_organisation_by_id(sender.organisation_id)
    [key] = _keys(sender, RSA, begin=False)
    record = organisations.dns_record(key)
    ada = team_client(app, make_account(organisation))
    page = f"/admin/settings/senders/{sender.public_id}"
    for answer, told in (
        (None, "not in the DNS yet"),
        (txt(record.value[:200]), "another record is there"),
        (failed, "DNS did not answer"),
    ):
        dns.zone.pop(record.name, None)
        if answer is not None:
            dns.zone[record.name] = answer
        assert ada.send(f"{page}/keys/use").status_code == 303
        assert told in ada.get(page).text
        assert _state(key) is DomainKeyState.WAITING
    dns.zone[record.name] = txt(record.value)
    ada.send(f"{page}/keys/use")
    assert _state(key) is DomainKeyState.SIGNING
    assert "found in the DNS" in ada.get(page).text


def _state(key: DomainKey) -> DomainKeyState:
    db.session.rollback()
    return db.session.get_one(DomainKey, key.id).state


@pytest.mark.parametrize(
    ("algorithms", "published", "level", "code"),
    [
        ((), (), Level.WARNING, "unsigned"),
        ((RSA,), (RSA,), Level.OK, "signed"),
        ((RSA,), (), Level.BLOCKING, "key_not_published"),
        ((RSA, ED25519), (RSA,), Level.WARNING, "second_key_not_published"),
        ((RSA, ED25519), (ED25519,), Level.BLOCKING, "key_not_published"),
        ((RSA,), None, Level.WARNING, "dns_silent"),
    ],
)
def test_the_check_list_believes_dns_alone(
    app: Flask,
    sender: Sender,
    dns: DnsServer,
    algorithms: tuple[str, ...],
    published: tuple[str, ...] | None,
    level: Level,
    code: str,
) -> None:
    dns.zone |= {DOMAIN: GOOD_SPF, f"_dmarc.{DOMAIN}": GOOD_DMARC}
    for key in _keys(sender, *algorithms) if algorithms else ():
        record = organisations.dns_record(key)
        if published is None:
            dns.zone[record.name] = failed
        elif key.algorithm in published:
            dns.zone[record.name] = txt(record.value)
    [mailing_list] = lists.list_lists_of_sender(sender)
    make_people(mailing_list, 2)
    organisation = organisations.get_organisation_by_id(sender.organisation_id)
    campaign = make_draft(organisation, mailing_list)
    asked = _ask(sender)
    found = {one.code: one.level for one in campaigns.checks.run(campaign, domain_dns=asked)}
    assert found[code] is level
    assert found["policies"] is Level.OK
    ada = team_client(app, make_account(organisation))
    page = f"/admin/campaigns/{campaign.public_id}"
    answer = ada.send(f"{page}/start", number="2", shown="2")
    assert answer.status_code == (422 if level is Level.BLOCKING else 303)
