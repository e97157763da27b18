"""Which provider a domain's best hosts tell of."""

from __future__ import annotations

import pytest

from mailer.destinations.providers import PROVIDERS, provider_of, title_of


@pytest.mark.requirement("E-065")
@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("aspmx.l.google.com", "google"),
        ("SMTP.google.com", "google"),
        ("aspmx2.googlemail.com", "google"),
        ("firm-ie.mail.protection.outlook.com", "microsoft"),
        ("hotmail-com.olc.protection.outlook.com", "microsoft"),
        ("firm-ie.k-v1.mx.microsoft", "microsoft"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("eu-smtp-inbound-1.mimecast.com", "mimecast"),
        ("mx07-00123456.pphosted.com", "proofpoint"),
        ("mx1-eu1.ppe-hosted.com", "proofpoint"),
        ("mx.zoho.eu", "zoho"),
        ("in1-smtp.messagingengine.com", "fastmail"),
        ("mailsec.protonmail.ch", "proton"),
        ("mx00.ionos.de", "ionos"),
        ("mx01.emig.gmx.net", "gmx"),
        ("mx1.mail.ovh.net", "ovh"),
    ],
)
def test_a_provider_is_known_by_its_published_hosts(host: str, name: str) -> None:
    assert provider_of([host]) == name


@pytest.mark.parametrize(
    "host",
    [
        "mail.firm.test",
        "notgoogle.com",
        "google.com.firm.test",
        "vps-1234.vps.ovh.net",
        "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
        "s123.secureserver.net",
        "com",
        "",
    ],
)
def test_a_host_that_only_looks_like_one_tells_nothing(host: str) -> None:
    assert provider_of([host]) is None


def test_hosts_of_two_kinds_tell_nothing() -> None:
    assert provider_of(["aspmx.l.google.com", "mx.zoho.eu"]) is None
    assert provider_of(["aspmx.l.google.com", "mx.firm.test"]) is None
    assert provider_of([]) is None
    assert provider_of(["aspmx.l.google.com", "alt1.aspmx.l.google.com"]) == "google"


def test_providers_are_named_once_and_no_host_is_two_providers() -> None:
    names = [one.name for one in PROVIDERS]
    assert names == sorted(set(names))
    endings = [ending for one in PROVIDERS for ending in one.hosts.split()]
    assert len(set(endings)) == len(endings)
    assert (title_of("google"), title_of("firm.test")) == ("Google", "firm.test")
