from __future__ import annotations

import re
from base64 import b64decode

import pytest
from flask import Flask

from mailer import organisations
from mailer.foundation.cipher import CannotOpen, open_sealed
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.organisations import DomainKeyState, Organisation
from mailer.rendering import ED25519, RSA, Sealer
from tests.support.factories import DORA, make_organisation
from tests.support.mail_signatures import is_signed, signatures_of
from tests.support.make_lists import make_sender

DOMAIN = "harbourbooks.example"
ADDRESS = f"news@{DOMAIN}"
MAIL = b"From: a@harbourbooks.example\r\nTo: b@x.example\r\nSubject: x\r\n\r\nHello\r\n"


def _make(organisation: Organisation, *algorithms: str) -> None:
    with unit_of_work():
        organisations.make_domain_keys(organisation, DOMAIN, algorithms)


def _begin(organisation: Organisation) -> None:
    with unit_of_work():
        organisations.begin_signing(organisation, DOMAIN)


def _sealed(organisation: Organisation) -> bytes:
    signers = organisations.signers_for(organisation.id, ADDRESS)
    return Sealer(signers).seal(MAIL, int(now().timestamp()))


def _states(organisation: Organisation) -> list[DomainKeyState]:
    return [key.state for key in organisations.list_domain_keys(organisation, DOMAIN)]


@pytest.mark.requirement("E-040")
def test_a_key_signs_once_its_record_is_said_to_be_published(app: Flask) -> None:
    ada = make_organisation()
    assert organisations.signers_for(ada.id, ADDRESS) == []
    _make(ada, RSA, ED25519)
    assert organisations.signers_for(ada.id, ADDRESS) == []
    _begin(ada)
    records = list(map(organisations.dns_record, organisations.list_domain_keys(ada, DOMAIN)))
    mail = _sealed(ada)
    assert signatures_of(mail) == 2
    assert is_signed(mail, records)
    assert not is_signed(mail.replace(b"Hello", b"Hallo"), records)


def test_a_record_is_what_the_dns_wants(app: Flask) -> None:
    ada = make_organisation()
    _make(ada, RSA, ED25519)
    for key in organisations.list_domain_keys(ada, DOMAIN):
        record = organisations.dns_record(key)
        assert re.fullmatch(
            rf"mailer-\d{{6}}[re]-[0-9a-f]{{6}}\._domainkey\.{re.escape(DOMAIN)}", record.name
        )
        kind = "rsa" if key.algorithm == RSA else "ed25519"
        assert record.value == f"v=DKIM1; k={kind}; p={key.public_key}"
        assert len(b64decode(key.public_key)) == (294 if key.algorithm == RSA else 32)
        strings = re.findall(r'"([^"]*)"', record.quoted)
        assert "".join(strings) == record.value
        assert all(len(string) <= 255 for string in strings)


def test_an_old_key_signs_until_its_successor_does(app: Flask) -> None:
    ada = make_organisation()
    _make(ada, RSA)
    _begin(ada)
    [old] = organisations.signers_for(ada.id, ADDRESS)
    _make(ada, RSA)
    assert organisations.signers_for(ada.id, ADDRESS) == [old]
    assert _states(ada) == [DomainKeyState.WAITING, DomainKeyState.SIGNING]
    _begin(ada)
    [new] = organisations.signers_for(ada.id, ADDRESS)
    assert new.selector != old.selector
    assert _states(ada) == [DomainKeyState.SIGNING, DomainKeyState.REPLACED]
    replaced = organisations.list_domain_keys(ada, DOMAIN)[1]
    assert replaced.private_key is None
    assert replaced.replaced_at is not None


def test_keys_that_wait_can_be_discarded_and_keys_that_sign_taken_out_of_use(app: Flask) -> None:
    ada = make_organisation()
    _make(ada, RSA)
    with pytest.raises(NotAllowed, match="waiting already"):
        _make(ada, RSA)
    with unit_of_work():
        organisations.discard_domain_keys(ada, DOMAIN)
    assert _states(ada) == []
    with pytest.raises(NotAllowed, match="No key"):
        _begin(ada)
    _make(ada, RSA)
    _begin(ada)
    with unit_of_work():
        organisations.stop_signing(ada, DOMAIN)
    assert organisations.signers_for(ada.id, ADDRESS) == []
    assert _states(ada) == [DomainKeyState.REPLACED]


@pytest.mark.requirement("E-042")
def test_an_organisation_signs_with_its_own_keys_and_for_its_own_domain(app: Flask) -> None:
    ada, dora = make_organisation(), make_organisation(DORA)
    _make(ada, RSA)
    _begin(ada)
    assert organisations.signers_for(dora.id, ADDRESS) == []
    assert organisations.signers_for(ada.id, "news@other.example") == []
    [signer] = organisations.signers_for(ada.id, "News@HarbourBooks.example")
    assert signer.domain == DOMAIN
    sender = make_sender(ada, from_address="brief@Bücher.example")
    assert organisations.signing_domain(sender) == "xn--bcher-kva.example"


def test_a_private_key_is_sealed_and_bound_to_its_selector(app: Flask) -> None:
    ada = make_organisation()
    _make(ada, RSA)
    [key] = organisations.list_domain_keys(ada, DOMAIN)
    assert key.private_key is not None
    place = f"domain_keys.private_key.{key.selector}._domainkey.{DOMAIN}"
    assert open_sealed(key.private_key, bound_to=place).startswith(b"0\x82")
    with pytest.raises(CannotOpen):
        open_sealed(key.private_key, bound_to="elsewhere")


def test_a_key_that_cannot_be_opened_is_named_and_nothing_leaves_unsigned(app: Flask) -> None:
    ada = make_organisation()
    _make(ada, RSA)
    _begin(ada)
    [key] = organisations.list_domain_keys(ada, DOMAIN)
    with unit_of_work():
        assert key.private_key is not None
        key.private_key = b"gone" + key.private_key[4:]
    with pytest.raises(Invalid, match="MAILER_ENCRYPTION_KEYS"):
        organisations.signers_for(ada.id, ADDRESS)
