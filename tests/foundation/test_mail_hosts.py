"""Asking a real DNS server, on loopback, which hosts take a domain's mail."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailer.app import create_app
from mailer.foundation.dns_lookup import ALL_SECONDS, look_up
from mailer.foundation.mail_hosts import Finding, MailHosts, is_reserved
from tests.conftest import settings_for
from tests.support import dns_server
from tests.support.dns_server import Answer, DnsServer, alias, mx

Ask = Callable[..., MailHosts]


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


@pytest.fixture
def ask(dns: DnsServer, tmp_path: Path) -> Ask:
    """Ask about a domain that is answered so."""

    def ask(answer: Answer, *, servers: str = "") -> MailHosts:
        dns.zone["firm.test"] = answer
        app = create_app(settings_for(tmp_path, MAILER_DNS_SERVERS=servers or dns.address))
        with app.app_context():
            return look_up(["firm.test"])["firm.test"]

    return ask


@pytest.mark.requirement("E-065")
def test_the_hosts_come_in_the_order_of_their_preference(ask: Ask, dns: DnsServer) -> None:
    found = ask(mx("20 mx2.firm.test", "5 MX.Firm.test", "10 mx1.firm.test"))
    assert found == MailHosts(
        Finding.HOSTS, ((5, "mx.firm.test"), (10, "mx1.firm.test"), (20, "mx2.firm.test"))
    )
    assert found.best == ("mx.firm.test",)
    assert dns.kinds == {"MX"}


def test_all_hosts_of_the_lowest_preference_are_the_best(ask: Ask) -> None:
    found = ask(mx("10 b.firm.test", "10 a.firm.test", "20 c.firm.test"))
    assert found.best == ("a.firm.test", "b.firm.test")


def test_a_domain_that_is_another_name_has_that_ones_hosts(ask: Ask) -> None:
    assert ask(alias("real.test", "10 mx.real.test")).best == ("mx.real.test",)
    assert ask(alias("real.test")) == MailHosts(Finding.NO_HOSTS)


def test_an_answer_too_long_for_a_datagram_comes_over_tcp(ask: Ask, dns: DnsServer) -> None:
    found = ask(mx(*(f"{number} a-rather-long-name-{number}.firm.test" for number in range(1, 61))))
    assert found.best == ("a-rather-long-name-1.firm.test",)
    assert len(found.hosts) == 20
    assert dns.over_tcp["firm.test"] == 1


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (mx("0 ."), Finding.NO_MAIL),
        (dns_server.nothing, Finding.NO_HOSTS),
        (dns_server.no_domain, Finding.NO_DOMAIN),
        (dns_server.failed, Finding.FAILED),
        (dns_server.refused, Finding.FAILED),
        (dns_server.lame, Finding.FAILED),
        (dns_server.garbage, Finding.SILENT),
        (dns_server.foreign, Finding.SILENT),
        (dns_server.silent, Finding.SILENT),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_what_says_nothing_of_hosts_is_told_apart(
    ask: Ask, answer: Answer, finding: Finding
) -> None:
    assert ask(answer) == MailHosts(finding)
    assert finding.is_answer == (finding not in (Finding.FAILED, Finding.SILENT))


def test_another_server_is_asked_when_the_first_one_fails(ask: Ask, dns: DnsServer) -> None:
    with DnsServer({"firm.test": dns_server.refused}) as other:
        found = ask(mx("10 mx.firm.test"), servers=f"{other.address},{dns.address}")
    assert found.best == ("mx.firm.test",)


def test_a_server_that_is_not_there_is_a_silent_one(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    found = ask(dns_server.nothing, servers=f"127.0.0.1:{port}")
    assert found == MailHosts(Finding.SILENT)


def test_many_domains_wait_together_not_one_after_the_other(dns: DnsServer, tmp_path: Path) -> None:
    domains = [f"firm{number}.test" for number in range(40)]
    dns.zone = dict.fromkeys(domains, dns_server.silent)
    dns.zone["firm7.test"] = mx("10 mx.firm.test")
    began = time.monotonic()
    with create_app(settings_for(tmp_path, MAILER_DNS_SERVERS=dns.address)).app_context():
        found = look_up(domains)
    assert time.monotonic() - began < 10 * ALL_SECONDS
    assert found["firm7.test"].best == ("mx.firm.test",)
    assert [one.finding for one in found.values()].count(Finding.SILENT) == 39


def test_what_is_no_name_is_not_asked_about(dns: DnsServer, tmp_path: Path) -> None:
    names = ["a..test", f"{'a' * 64}.test", ".".join(["a" * 60] * 5), "bücher.test"]
    with create_app(settings_for(tmp_path, MAILER_DNS_SERVERS=dns.address)).app_context():
        found = look_up(names)
    assert {found[name].finding for name in names[:3]} == {Finding.NO_DOMAIN}
    assert set(dns.asked) <= {"xn--bcher-kva.test"}


@pytest.mark.parametrize("domain", ["example.org", "post.example.com", "firm.example", "localhost"])
def test_names_for_examples_are_nobodys(domain: str) -> None:
    assert is_reserved(domain)
    assert not is_reserved(f"{domain}.ie")
    assert not is_reserved("firm.test")
