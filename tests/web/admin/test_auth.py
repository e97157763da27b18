"""Signing in and out, and taking up an invitation."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from mailer import accounts
from mailer.accounts import Account, AuditEntry, Authenticated, Role
from mailer.app import create_app
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.foundation.tokens import Purpose, sign_timed
from mailer.organisations import Organisation
from mailer.transactional import MessageKind, TransactionalMessage
from tests.conftest import settings_for
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import (
    PASSWORD,
    TeamClient,
    csrf_token_in,
    make_account,
    team_client,
)

CHOSEN = "my cat sleeps on the keyboard"


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def ada(books: Organisation) -> Account:
    return make_account(books)


def sign_in(
    client: TeamClient, *, password: str = PASSWORD, onward: str = "", **headers: str
) -> TestResponse:
    page = client.get("/admin/sign-in", query_string={"next": onward})
    fields = {
        "csrf_token": csrf_token_in(page),
        "address": "ada@books.example",
        "password": password,
        "next": onward,
    }
    return client.post("/admin/sign-in", data=fields, headers=headers)


@pytest.mark.requirement("S-006")
def test_signing_in_leads_to_the_overview_with_a_cookie_scripts_cannot_read(
    app: Flask, ada: Account
) -> None:
    client = team_client(app)
    response = sign_in(client)
    assert (response.status_code, response.location) == (303, "/admin/")
    [cookie] = [one for one in response.headers.getlist("Set-Cookie") if one.startswith("session=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/admin/").status_code == 200


@pytest.mark.requirement("S-006")
def test_in_production_the_cookie_is_bound_to_the_host_and_to_https(
    tmp_path: Path, settings: Settings
) -> None:
    production = settings_for(
        tmp_path,
        MAILER_DATABASE_URL=settings.database_url,
        MAILER_ENVIRONMENT="production",
        MAILER_PUBLIC_URL="https://news.example.org",
        MAILER_ADMIN_URL="https://desk.example.org",
    )
    app = create_app(production)
    with app.app_context():
        books = make_organisation()
        with unit_of_work():
            account = accounts.create_account("Ada", "ada@example.org", PASSWORD)
            accounts.add_member(books, account, Role.OWNER)
        client = team_client(app)
        page = client.get("/admin/sign-in")
        fields = {
            "csrf_token": csrf_token_in(page),
            "address": "ada@example.org",
            "password": PASSWORD,
        }
        response = client.post("/admin/sign-in", data=fields)
        cookies = response.headers.getlist("Set-Cookie")
        [cookie] = [one for one in cookies if one.startswith("__Host-session=")]
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert "Strict-Transport-Security" in response.headers
        assert client.get("/admin/").status_code == 200
        db.session.remove()
        db.engine.dispose()


@pytest.mark.requirement("S-004")
def test_a_refusal_keeps_the_address_and_says_one_sentence(app: Flask, ada: Account) -> None:
    response = sign_in(team_client(app), password="the wrong password")
    assert response.status_code == 401
    assert "do not belong together" in response.text
    assert 'value="ada@books.example"' in response.text
    assert not any("session=" in one for one in response.headers.getlist("Set-Cookie"))


def test_too_many_attempts_are_answered_with_when_to_come_back(app: Flask, ada: Account) -> None:
    client = team_client(app)
    answers = [sign_in(client, password="the wrong password") for _ in range(11)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_whoever_tries_elsewhere_keeps_nobody_out(app: Flask, ada: Account) -> None:
    known, attacker = team_client(app), team_client(app)
    assert sign_in(known).status_code == 303
    for _ in range(12):
        last = sign_in(attacker, password="the wrong password")
    assert last.status_code == 429
    assert sign_in(attacker).status_code == 429
    known.delete_cookie("session", domain=urlsplit(known.admin_url).hostname or "")
    assert sign_in(known).status_code == 303  # in the same network, from a browser that is known
    stranger = team_client(app)
    stranger.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    for _ in range(12):
        assert sign_in(stranger).status_code == 303
        stranger.delete_cookie("session", domain=urlsplit(known.admin_url).hostname or "")
        stranger.delete_cookie("device", domain=urlsplit(known.admin_url).hostname or "")


@pytest.mark.requirement("S-010")
def test_passwords_are_limited_and_noted_wherever_they_are_asked(
    app: Flask, books: Organisation, ada: Account
) -> None:
    make_account(make_organisation(DORA), name="Dora")
    path = invitation_path(books, ada, "dora@books.example")
    client = team_client(app)
    fields = {"csrf_token": csrf_token_in(client.get(path)), "name": "D", "password": CHOSEN}
    answers = [client.post(path, data=fields).status_code for _ in range(12)]
    assert (answers[0], answers[-1]) == (422, 429)
    fields["address"] = "dora@books.example"
    page = client.get("/admin/sign-in")
    fields["csrf_token"] = csrf_token_in(page)
    assert client.post("/admin/sign-in", data=fields).status_code == 429

    inside = team_client(app, ada)
    inside.environ_base["REMOTE_ADDR"] = "198.51.100.8"
    change = {"current": "the wrong password", "password": CHOSEN}
    changes = [inside.send("/admin/settings/account/password", **change) for _ in range(12)]
    assert changes[-1].status_code == 429
    noted = [entry.action for entry in db.session.scalars(sa.select(AuditEntry))]
    assert noted.count("was refused joining a team") == 12
    assert noted.count("was refused a sign-in") == 1
    assert noted.count("was refused a new password") == 12


def newest_mail() -> TransactionalMessage:
    return db.session.scalars(sa.select(TransactionalMessage)).all()[-1]


def ask_for_reset(client: TeamClient, address: str) -> str:
    fields = {"csrf_token": csrf_token_in(client.get("/admin/forgotten")), "address": address}
    response = client.post("/admin/forgotten", data=fields)
    assert response.status_code == 200
    return response.text


def test_a_forgotten_password_is_replaced_by_a_mailed_link_once(app: Flask, ada: Account) -> None:
    signed_in, client = team_client(app, ada), team_client(app)
    known = ask_for_reset(client, "ADA@books.example")
    mail = newest_mail()
    assert (mail.kind, mail.to_address) == (MessageKind.ACCOUNT, "ada@books.example")
    assert (
        known
        == ask_for_reset(client, "nobody@books.example")
        == ask_for_reset(client, "no address")
    )
    assert newest_mail().id == mail.id
    text = message_from_bytes(mail.body or b"", policy=default).get_body(("plain",))
    assert text is not None
    found = re.search(r"https?://[^/]+(/admin/new-password/\S+)", text.get_content())
    assert found is not None
    page = client.get(found.group(1))
    fields = {"csrf_token": csrf_token_in(page), "password": "short"}
    assert client.post(found.group(1), data=fields).status_code == 422
    assert accounts.authenticate("ada@books.example", PASSWORD).account.id == ada.id
    fields["password"] = CHOSEN
    assert client.post(found.group(1), data=fields).location == "/admin/sign-in"
    assert accounts.authenticate("ada@books.example", CHOSEN).account.id == ada.id
    assert signed_in.get("/admin/").status_code == 303
    assert b"Your password was changed" in (newest_mail().body or b"")
    assert client.get(found.group(1)).status_code == 410
    assert client.post(found.group(1), data=fields).status_code == 410


def test_a_token_for_something_else_is_no_link_to_a_new_password(app: Flask, ada: Account) -> None:
    with unit_of_work():
        token = sign_timed(Purpose.INVITATION, [ada.public_id, "x"])
    assert team_client(app).get(f"/admin/new-password/{token}").status_code == 410


def test_without_a_session_every_page_asks_to_sign_in_and_leads_back(
    app: Flask, ada: Account
) -> None:
    client = team_client(app)
    asked = client.get("/admin/lists/new?x=1")
    assert asked.status_code == 303
    assert asked.location == "/admin/sign-in?next=/admin/lists/new?x%3D1"
    response = sign_in(client, onward="/admin/lists/new?x=1")
    assert response.location == "/admin/lists/new?x=1"


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example",
        "/admin//evil.example",
        "/\\evil.example",
        "/admin/\\evil",
        "/admin/\r\nX: y",
        "javascript:alert(1)",
        "/f/frm_1",
        "/admin" + "x" * 2000,
    ],
)
def test_the_way_back_leads_nowhere_else(app: Flask, ada: Account, onward: str) -> None:
    assert sign_in(team_client(app), onward=onward).location == "/admin/"


@pytest.mark.requirement("S-006")
def test_signing_in_again_gives_a_new_token_and_ends_the_old_session(
    app: Flask, ada: Account
) -> None:
    client = team_client(app)
    host = urlsplit(client.admin_url).hostname or ""
    page = client.get("/admin/sign-in")
    with unit_of_work():
        planted, _session = accounts.start_session(Authenticated(ada), "somebody else's")
    client.set_cookie("session", planted, domain=host)
    fields = {
        "csrf_token": csrf_token_in(page),
        "address": "ada@books.example",
        "password": PASSWORD,
    }
    assert client.post("/admin/sign-in", data=fields).status_code == 303
    after = client.get_cookie("session", domain=host)
    assert after is not None
    assert after.value != planted
    assert accounts.session_of(planted) is None


def test_signing_out_ends_the_session_on_the_server(app: Flask, ada: Account) -> None:
    client = team_client(app, ada)
    host = urlsplit(client.admin_url).hostname or ""
    cookie = client.get_cookie("session", domain=host)
    assert cookie is not None
    assert client.send("/admin/sign-out").location == "/admin/sign-in"
    assert accounts.session_of(cookie.value) is None
    assert "You are signed out." in client.get("/admin/sign-in").text
    assert "You are signed out." not in client.get("/admin/sign-in").text


@pytest.mark.requirement("S-022")
@pytest.mark.parametrize("token", ["", "wrong", "ä", "x" * 10_000])
def test_the_sign_in_form_needs_its_token(app: Flask, ada: Account, token: str) -> None:
    client = team_client(app)
    client.get("/admin/sign-in")
    fields = {"csrf_token": token, "address": "ada@books.example", "password": PASSWORD}
    assert client.post("/admin/sign-in", data=fields).status_code == 403


@pytest.mark.requirement("S-022")
def test_a_sign_in_from_another_site_is_refused(app: Flask, ada: Account) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert sign_in(team_client(app), **headers).status_code == 403
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": team_client(app).admin_url},
    ):
        assert sign_in(team_client(app), **headers).status_code == 303


def test_a_session_that_ended_sends_a_form_to_the_sign_in_page_and_says_why(
    app: Flask, ada: Account
) -> None:
    client = team_client(app)
    response = client.post("/admin/settings/", data={"name": "Other"})
    assert (response.status_code, response.location) == (303, "/admin/sign-in")
    assert "nothing was saved" in client.get("/admin/sign-in").text


def test_somebody_in_two_teams_can_switch(app: Flask, ada: Account) -> None:
    plants = make_organisation(DORA)
    make_account(plants, role=Role.VIEWER)
    client = team_client(app, ada)
    response = client.send("/admin/organisation", organisation=plants.public_id)
    assert response.status_code == 303
    assert "Dora&#39;s Plants" in client.get("/admin/").text


@pytest.mark.requirement("S-009")
def test_nobody_can_switch_to_a_team_they_are_not_in(app: Flask, ada: Account) -> None:
    client = team_client(app, ada)
    plants = make_organisation(DORA)
    assert client.send("/admin/organisation", organisation=plants.public_id).status_code == 404
    assert client.send("/admin/organisation").status_code == 404
    assert client.send("/admin/organisation", organisation="\x00").status_code in (404, 422)


def invitation_path(books: Organisation, ada: Account, address: str = "ben@books.example") -> str:
    with unit_of_work():
        made = accounts.invite_member(books, ada, "Ben", address, Role.EDITOR)
    return f"/admin/invitation/{made.token}"


def test_the_invited_join_with_name_and_password(
    app: Flask, books: Organisation, ada: Account
) -> None:
    client = team_client(app)
    path = invitation_path(books, ada)
    page = client.get(path)
    assert "Join the team of Harbour Books" in page.text
    fields = {"csrf_token": csrf_token_in(page), "name": "Benedikt", "password": CHOSEN}
    assert client.post(path, data=fields).location == "/admin/sign-in"
    assert accounts.authenticate("ben@books.example", CHOSEN).account.name == "Benedikt"
    assert client.get(path).status_code == 410


@pytest.mark.requirement("L-008")
def test_the_page_of_an_invitation_leaves_no_trace_of_its_link(
    app: Flask, books: Organisation, ada: Account
) -> None:
    page = team_client(app).get(invitation_path(books, ada))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert 'name="referrer"' not in page.text


def test_a_weak_password_comes_back_with_what_was_entered(
    app: Flask, books: Organisation, ada: Account
) -> None:
    client = team_client(app)
    path = invitation_path(books, ada)
    fields = {"csrf_token": csrf_token_in(client.get(path)), "name": "Bé", "password": "short"}
    response = client.post(path, data=fields)
    assert response.status_code == 422
    assert 'value="Bé"' in response.text
    assert "at least 12 characters" in response.text


@pytest.mark.parametrize("token", ["x", "x" * 5000, "a.b.c", "%00", "é"])
def test_a_damaged_invitation_is_answered_kindly(app: Flask, token: str) -> None:
    response = team_client(app).get(f"/admin/invitation/{token}")
    assert response.status_code in (404, 410)
    assert "<h1>" in response.text
