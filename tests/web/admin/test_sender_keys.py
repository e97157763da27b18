"""Keys of a sender's domain, on the sender's page."""

from __future__ import annotations

from html import unescape

import pytest
from flask import Flask

from mailer import accounts, organisations
from mailer.accounts import Role
from mailer.foundation.paging import Cursor
from mailer.organisations import DomainKeyState, Organisation, Sender
from mailer.rendering import ED25519, RSA
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.make_lists import make_sender

DOMAIN = "harbourbooks.example"


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def sender(books: Organisation) -> Sender:
    return make_sender(books)


@pytest.fixture
def client(app: Flask, books: Organisation) -> TeamClient:
    return team_client(app, make_account(books))


def path(sender: Sender, verb: str = "") -> str:
    return f"/admin/settings/senders/{sender.public_id}{verb}"


def states(books: Organisation) -> list[tuple[str, DomainKeyState]]:
    keys = organisations.list_domain_keys(books, DOMAIN)
    return [(key.algorithm, key.state) for key in keys]


@pytest.mark.requirement("E-040")
def test_a_key_is_made_published_used_and_replaced(
    client: TeamClient, books: Organisation, sender: Sender
) -> None:
    assert "without a signature" in client.get(path(sender)).text
    assert client.send(path(sender, "/keys")).status_code == 303
    assert states(books) == [(RSA, DomainKeyState.WAITING)]
    [key] = organisations.list_domain_keys(books, DOMAIN)
    record = organisations.dns_record(key)
    page = unescape(client.get(path(sender)).text)
    for shown in (record.name, record.value, record.quoted):
        assert shown in page
    assert client.send(path(sender, "/keys/use")).status_code == 303
    assert states(books) == [(RSA, DomainKeyState.SIGNING)]
    client.send(path(sender, "/keys"), ed25519="yes")
    assert "the old key signs" in client.get(path(sender)).text
    client.send(path(sender, "/keys/use"))
    assert states(books) == [
        (ED25519, DomainKeyState.SIGNING),
        (RSA, DomainKeyState.SIGNING),
        (RSA, DomainKeyState.REPLACED),
    ]
    assert f"{key.selector}._domainkey" in client.get(path(sender)).text
    client.send(path(sender, "/keys/stop"))
    assert "without a signature" in client.get(path(sender)).text
    noted = {line.entry.action for line in accounts.list_audit(books, Cursor()).rows}
    assert {"made keys that sign mails", "stopped signing mails"} <= noted


def test_a_key_that_was_not_used_can_be_discarded(
    client: TeamClient, books: Organisation, sender: Sender
) -> None:
    client.send(path(sender, "/keys"))
    client.send(path(sender, "/keys/discard"))
    assert states(books) == []


def test_a_private_key_is_on_no_page(
    client: TeamClient, books: Organisation, sender: Sender
) -> None:
    client.send(path(sender, "/keys"))
    [key] = organisations.list_domain_keys(books, DOMAIN)
    assert key.private_key is not None
    assert key.private_key.hex() not in client.get(path(sender)).text
    assert "PRIVATE" not in client.get(path(sender)).text


@pytest.mark.parametrize("verb", ["/keys", "/keys/use", "/keys/discard", "/keys/stop"])
def test_only_those_who_manage_touch_keys_and_only_their_own(
    app: Flask, books: Organisation, sender: Sender, verb: str
) -> None:
    writer = team_client(app, make_account(books, role=Role.EDITOR, name="Ed"))
    assert writer.send(path(sender, verb)).status_code == 403
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    assert dora.send(path(sender, verb)).status_code == 404
    assert states(books) == []
