"""Signing in and out, and taking up an invitation."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mailer import accounts
from mailer.accounts import Account, Authenticated, Role
from mailer.app import create_app
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.organisations import Organisation
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
