"""Organisation, senders, purposes, privacy notice, account."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from flask import Flask

from mailer import accounts, consent, lists, organisations
from mailer.accounts import Account, Authenticated, Role
from mailer.foundation.database import unit_of_work
from mailer.foundation.paging import Cursor
from mailer.organisations import Organisation
from tests.support.factories import ADA, DORA, make_list, make_organisation
from tests.support.make_accounts import PASSWORD, TeamClient, make_account, team_client
from tests.support.make_lists import make_purpose, make_sender


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def ada(books: Organisation) -> Account:
    return make_account(books)


@pytest.fixture
def client(app: Flask, ada: Account) -> TeamClient:
    return team_client(app, ada)


@pytest.fixture
def dora(app: Flask, books: Organisation) -> TeamClient:
    return team_client(app, make_account(make_organisation(DORA), name="Dora"))


def actions(organisation: Organisation) -> list[str]:
    return [line.entry.action for line in accounts.list_audit(organisation, Cursor()).rows]


def test_the_facts_can_be_changed_and_it_is_on_record(
    client: TeamClient, books: Organisation
) -> None:
    response = client.send("/admin/settings/", **(asdict(ADA) | {"phone": "+353 1 555"}))
    assert response.status_code == 303
    assert books.phone == "+353 1 555"
    assert "changed the facts about the organisation" in actions(books)
    page = client.get("/admin/settings/")
    assert "Saved." in page.text
    assert 'value="+353 1 555"' in page.text


def test_what_cannot_be_used_comes_back_with_a_message_and_changes_nothing(
    client: TeamClient, books: Organisation
) -> None:
    given = asdict(ADA) | {"website": "not a link", "city": "Cork <b>"}
    response = client.send("/admin/settings/", **given)
    assert response.status_code == 422
    assert "begins with https://" in response.text
    assert 'value="Cork &lt;b&gt;"' in response.text
    assert 'href="#field-website"' in response.text
    assert books.city == "Dublin"


def test_times_are_shown_in_the_time_zone_of_the_organisation(
    client: TeamClient, books: Organisation
) -> None:
    assert " CET" in client.get("/admin/settings/account").text
    client.send("/admin/settings/", **(asdict(ADA) | {"time_zone": "Asia/Tokyo"}))
    assert " JST" in client.get("/admin/settings/account").text


def test_a_sender_is_created_changed_and_archived(client: TeamClient, books: Organisation) -> None:
    new = {"from_name": "Harbour", "from_address": "post@harbourbooks.example"}
    assert client.send("/admin/settings/senders/new", **new).status_code == 303
    [sender] = organisations.list_senders(books)
    path = f"/admin/settings/senders/{sender.public_id}"
    assert 'value="post@harbourbooks.example"' in client.get(path).text
    client.send(path, from_name="Harbour Books", from_address="post@harbourbooks.example")
    assert sender.from_name == "Harbour Books"
    client.send(f"{path}/archive")
    assert organisations.list_senders(books) == []
    assert actions(books)[:3] == ["archived a sender", "changed a sender", "created a sender"]


def test_a_bad_sender_address_is_marked(client: TeamClient) -> None:
    response = client.send("/admin/settings/senders/new", from_name="A", from_address="nope")
    assert response.status_code == 422
    assert 'href="#field-from_address"' in response.text


def test_a_sender_of_a_live_list_cannot_be_archived_and_the_list_is_named(
    client: TeamClient, books: Organisation
) -> None:
    made = make_list(books)
    [sender] = organisations.list_senders(books)
    assert made.name in client.get(f"/admin/settings/senders/{sender.public_id}").text
    response = client.send(f"/admin/settings/senders/{sender.public_id}/archive")
    assert response.status_code == 409
    assert made.name in response.text
    assert sender.archived_at is None


PURPOSE = {
    "name": "News",
    "sentence": "To send you news.",
    "lawful_basis": "consent",
    "retention_months": "24",
}


def test_a_purpose_is_created_changed_and_archived(client: TeamClient, books: Organisation) -> None:
    assert client.send("/admin/settings/purposes/new", **PURPOSE).status_code == 303
    [purpose] = lists.list_purposes(books)
    path = f"/admin/settings/purposes/{purpose.public_id}"
    assert "To send you news." in client.get(path).text
    client.send(path, **(PURPOSE | {"sentence": "To tell you news."}))
    assert purpose.sentence == "To tell you news."
    client.send(f"{path}/archive")
    assert lists.list_purposes(books) == []


def test_a_purpose_that_cannot_be_used_comes_back(client: TeamClient, books: Organisation) -> None:
    bad = PURPOSE | {"retention_months": "none"}
    response = client.send("/admin/settings/purposes/new", **bad)
    assert response.status_code == 422
    assert 'value="none"' in response.text
    assert lists.list_purposes(books) == []


def test_a_purpose_with_live_lists_cannot_be_archived(
    client: TeamClient, books: Organisation
) -> None:
    made = make_list(books)
    path = f"/admin/settings/purposes/{made.purpose.public_id}/archive"
    response = client.send(path)
    assert response.status_code == 409
    assert made.name in response.text


def test_the_notice_is_published_from_the_facts(client: TeamClient, books: Organisation) -> None:
    assert "Not published yet" in client.get("/admin/settings/notice").text
    assert client.send("/admin/settings/notice").status_code == 303
    notice = consent.current_notice(books)
    assert notice is not None
    assert notice.number == 1
    page = client.get("/admin/settings/notice").text
    assert "Up to date" in page
    assert f"/notice/{books.public_id}" in page


def test_the_notice_waits_for_the_missing_facts(client: TeamClient, books: Organisation) -> None:
    client.send("/admin/settings/", **(asdict(ADA) | {"street": ""}))
    client.send("/admin/settings/notice")
    assert consent.current_notice(books) is None
    assert "Still missing: Street and number." in client.get("/admin/settings/notice").text


def test_the_password_is_changed_and_other_sessions_end(client: TeamClient, ada: Account) -> None:
    with unit_of_work():
        elsewhere, _session = accounts.start_session(Authenticated(ada), "elsewhere")
    new = {"current": PASSWORD, "password": "another bookshop by the sea"}
    assert client.send("/admin/settings/account/password", **new).status_code == 303
    assert accounts.session_of(elsewhere) is None
    assert client.get("/admin/settings/account").status_code == 200
    response = client.send("/admin/settings/account/password", **new)
    assert response.status_code == 422
    assert "not your present password" in response.text


def test_sessions_are_listed_and_can_be_ended(client: TeamClient, ada: Account) -> None:
    with unit_of_work():
        train, session = accounts.start_session(
            Authenticated(ada), "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
        )
        home, _session = accounts.start_session(Authenticated(ada), "")
    page = client.get("/admin/settings/account").text
    assert "Firefox on Linux" in page
    assert "This browser" in page
    client.send(f"/admin/settings/account/sessions/{session.public_id}")
    assert accounts.session_of(train) is None
    client.send("/admin/settings/account/sessions")
    assert accounts.session_of(home) is None
    assert client.get("/admin/").status_code == 200


def test_an_editor_sees_the_settings_and_changes_none(app: Flask, books: Organisation) -> None:
    ben = team_client(app, make_account(books, name="Ben", role=Role.EDITOR))
    page = ben.get("/admin/settings/")
    assert page.status_code == 200
    assert "Save the organisation" not in page.text
    assert ben.send("/admin/settings/", **asdict(DORA)).status_code == 403
    assert ben.get("/admin/settings/senders/new").status_code == 403
    assert ben.send("/admin/settings/notice").status_code == 403
    assert books.name == "Harbour Books"


@pytest.mark.requirement("S-009")
def test_dora_of_another_organisation_sees_and_changes_nothing(
    dora: TeamClient, books: Organisation, ada: Account
) -> None:
    sender, purpose = make_sender(books), make_purpose(books)
    with unit_of_work():
        token, session = accounts.start_session(Authenticated(ada), "Ada's")
    for path in ("/admin/settings/", "/admin/settings/senders/", "/admin/settings/purposes/"):
        assert "Harbour Books" not in dora.get(path).text
    for path in (
        f"/admin/settings/senders/{sender.public_id}",
        f"/admin/settings/purposes/{purpose.public_id}",
    ):
        assert dora.get(path).status_code == 404
        assert (
            dora.send(path, **PURPOSE, from_name="X", from_address="x@x.example").status_code == 404
        )
        assert dora.send(f"{path}/archive").status_code == 404
    assert dora.send(f"/admin/settings/account/sessions/{session.public_id}").status_code == 404
    assert accounts.session_of(token) is not None
    assert (sender.from_name, sender.archived_at) == ("Harbour Books", None)
    assert (purpose.name, purpose.archived_at) == ("Newsletter", None)
