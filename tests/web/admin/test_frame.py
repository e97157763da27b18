"""The frame of every page: who gets in, hosts, headers, errors, and the log."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, Response, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailer.accounts import Account, Role
from mailer.app import create_app
from mailer.devkit.embedded_redis import EmbeddedRedis
from mailer.foundation import errors, revisions
from mailer.foundation.database import db
from mailer.foundation.logs import JSONLines
from mailer.organisations import Organisation
from mailer.web.security_headers import allow_framing, as_mail_preview
from tests.conftest import settings_for
from tests.support.factories import make_form, make_list, make_organisation
from tests.support.make_accounts import TeamClient, make_account, team_client

PAGES = (
    "/admin/",
    "/admin/lists/",
    "/admin/lists/new",
    "/admin/settings/",
    "/admin/settings/senders/",
    "/admin/settings/senders/new",
    "/admin/settings/purposes/",
    "/admin/settings/purposes/new",
    "/admin/settings/notice",
    "/admin/settings/account",
    "/admin/team/",
    "/admin/team/invite",
    "/admin/team/history",
)
# The figures have a token of their own.
OPEN_TO_ALL = {
    *("auth.sign_in", "auth.enter", "auth.invitation", "auth.accept", "metrics"),
    *("auth.forgotten", "auth.ask_for_reset", "auth.new_password", "auth.reset_password"),
}


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def ada(books: Organisation) -> Account:
    return make_account(books)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What goes to the log during a test, after the application was made."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def team_rules(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and a path for every rule of the team's side."""
    return [
        (rule.endpoint, method, path_for(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.rule.startswith("/admin")
    ]


def path_for(rule: str, value: str = "x") -> str:
    """`rule` with `value` in the place of every variable that takes any text."""

    def fill(variable: re.Match[str]) -> str:
        kind, _, _name = variable.group(1).rpartition(":")
        if kind.startswith("any("):
            return kind.removeprefix("any(").rstrip(")").split(",")[0].strip(" '\"")
        return "1" if kind.startswith("int") else value

    return re.sub(r"<([^>]+)>", fill, rule)


@pytest.mark.parametrize("path", PAGES)
def test_an_owner_sees_every_page_of_an_empty_organisation(
    app: Flask, ada: Account, path: str
) -> None:
    response = team_client(app, ada).get(path)
    assert response.status_code == 200, response.text
    assert "<h1>" in response.text


def test_nothing_of_the_teams_side_opens_without_a_session(app: Flask, ada: Account) -> None:
    client = team_client(app)
    rules = [rule for rule in team_rules(app) if rule[0] not in OPEN_TO_ALL]
    assert len(rules) > 30
    for endpoint, method, path in rules:
        response = client.open(path, method=method)
        assert response.status_code == 303, endpoint
        assert response.location.startswith("/admin/sign-in"), endpoint


@pytest.mark.requirement("S-022")
def test_no_post_of_the_teams_side_is_taken_without_its_token(app: Flask, ada: Account) -> None:
    client = team_client(app, ada)
    posts = [rule for rule in team_rules(app) if rule[1] != "GET"]
    assert len(posts) > 15
    for endpoint, method, path in posts:
        assert client.open(path, method=method).status_code == 403, endpoint
        refused = client.open(path, method=method, data={"csrf_token": "x" * 64})
        assert refused.status_code == 403, endpoint


@pytest.mark.requirement("S-022")
def test_a_token_of_another_session_is_refused(app: Flask, books: Organisation) -> None:
    ada = team_client(app, make_account(books))
    ben = team_client(app, make_account(books, name="Ben", role=Role.OWNER))
    stolen = ben.csrf_token()
    assert ada.send("/admin/sign-out", token=stolen).status_code == 403
    assert ben.send("/admin/sign-out", token=stolen).status_code == 303


@pytest.mark.requirement("S-020")
def test_every_page_tells_the_browser_to_trust_nothing_else(app: Flask, ada: Account) -> None:
    headers = team_client(app, ada).get("/admin/").headers
    policy = headers["Content-Security-Policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert part in policy.split("; ")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("S-052")
def test_a_view_can_let_named_origins_frame_it(app: Flask) -> None:
    origins = ["https://shop.example", "https://b.example"]
    app.add_url_rule("/frame", "frame", lambda: allow_framing(Response("<p>"), origins))
    app.add_url_rule("/mail", "mail", lambda: as_mail_preview(Response("<p>")))
    client = app.test_client()
    framed = client.get("/frame").headers["Content-Security-Policy"]
    assert "frame-ancestors https://shop.example https://b.example;" in framed
    mail = client.get("/mail").headers["Content-Security-Policy"]
    assert mail.startswith("sandbox; default-src 'none'")


@pytest.mark.requirement("L-008")
@pytest.mark.parametrize("path", ["/c/x", "/n/x", "/u/x", "/p/x", "/admin/invitation/x"])
def test_pages_behind_a_token_are_neither_kept_nor_told_of(client: FlaskClient, path: str) -> None:
    response = client.get(path, base_url=host_of(path), follow_redirects=True)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.requirement("L-008")
def test_the_log_names_the_rule_and_the_request_and_no_token(
    client: FlaskClient, lines: io.StringIO
) -> None:
    response = client.get("/c/secret-token-of-somebody?address=cleo@example.org")
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    [line] = [one for one in written if one["from"] == "mailer.access"]
    assert line["rule"] == "/c/<token>"
    assert line["method"] == "GET"
    assert line["status"] == str(response.status_code)
    assert "secret-token" not in lines.getvalue()
    assert "cleo" not in lines.getvalue()
    assert len(response.headers["X-Request-Id"]) == 16


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (errors.NotFound("x"), 404),
        (errors.Forbidden("x"), 403),
        (errors.NotAllowed("x"), 409),
        (errors.Stale("x"), 409),
        (errors.Invalid("x", {"name": "Please fill this in."}), 422),
        (errors.LinkInvalid("x"), 410),
        (errors.LinkExpired("x"), 410),
        (errors.TooMany("x", retry_after=77), 429),
        (errors.Unavailable("x"), 503),
        (sa.exc.OperationalError("SELECT", {}, Exception("gone")), 503),
        (sa.exc.DataError("SELECT", {}, Exception("bad")), 422),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), 422),
        (RuntimeError("a secret detail"), 500),
    ],
)
def test_each_error_has_its_status_as_a_page_and_as_json(
    app: Flask, raised: Exception, status: int
) -> None:
    def fail() -> str:
        raise raised

    app.add_url_rule("/fail", view_func=fail)
    client = app.test_client()
    page = client.get("/fail")
    assert page.status_code == status
    assert "<h1>" in page.text
    assert "secret detail" not in page.text
    answer = client.get("/fail", headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == status
    if status == 429:
        assert page.headers["Retry-After"] == "77"
    if status == 503:
        assert int(page.headers["Retry-After"]) > 0
    if isinstance(raised, errors.Invalid):
        assert answer.json["fields"] == {"name": "Please fill this in."}


@pytest.mark.parametrize("code", [400, 404, 405, 413, 415, 418])
def test_what_http_refuses_has_a_page_too(app: Flask, code: int) -> None:
    app.add_url_rule("/fail", view_func=lambda: abort(code))
    response = app.test_client().get("/fail")
    assert response.status_code == code
    assert "<h1>" in response.text


def test_too_large_a_request_is_refused_with_words(client: FlaskClient) -> None:
    path = "/admin/sign-in"
    response = client.post(path, base_url=host_of(path), data={"a": "x" * 3_000_000})
    assert response.status_code == 413
    assert "too large" in response.text


def test_health_tells_how_each_part_is(redis_server: EmbeddedRedis, client: FlaskClient) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "well", "database": "up", "redis": "up", "migration": "newest"},
    )


def test_health_stays_good_while_redis_is_down(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["redis"] == "down"


def test_health_says_when_the_database_waits_for_a_migration(
    app: Flask, client: FlaskClient
) -> None:
    db.session.rollback()
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["migration"] == "behind"
    assert revisions.newest_revision() not in answer.text


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:1/x"])
def test_without_a_database_pages_and_health_say_so(tmp_path: Path, url: str) -> None:
    app = create_app(settings_for(tmp_path, MAILER_DATABASE_URL=url))
    client = app.test_client()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["database"] == "down"
    page = client.get("/notice/org_x")
    assert page.status_code == 503
    assert "does not answer" in page.text
    client.set_cookie("session", "x" * 43, domain="office.localhost")
    assert client.get("/admin/", base_url=settings_url(app)).status_code == 503


def host_of(path: str) -> str:
    """The host that a page belongs to."""
    return "http://office.localhost" if path.startswith("/admin") else "http://localhost"


def settings_url(app: Flask) -> str:
    return str(app.extensions["mailer.settings"].admin_url)


HOSTILE = (
    "\x00",
    "%00",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "x" * 20_000,
    "99999999999999999999999999",
    "-1",
    "'; DROP TABLE accounts; --",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "\u202e\u0000\ufffe",
    "\r\nX-Evil: yes",
    "NaN",
    "[]",
)
FIELDS = [
    "name",
    "address",
    "password",
    "current",
    "role",
    "organisation",
    "next",
    "csrf_token",
    "from_name",
    "from_address",
    "reply_to",
    "sentence",
    "lawful_basis",
    "retention_months",
    "frequency",
    "purpose",
    "sender",
    "language",
    "description",
    "count",
    "subject",
    "body",
    "action",
    "list",
    "lists",
    "email",
    "token",
    "control",
    "revision",
    "draft",
    "scheduled_at",
]


def all_requests(app: Flask, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Method and path of every route, with hostile values and, where there is one, a real id."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            values = HOSTILE[:6] if "<" in rule.rule else HOSTILE[:1]
            for value in (*values, *(known[key] for key in known if key in rule.rule)):
                yield method, path_for(rule.rule, value.replace("/", "%2F"))


def test_no_input_ends_in_an_error_of_ours(app: Flask, ada: Account, books: Organisation) -> None:
    made = make_list(books)
    known = {
        "/lists/<": made.public_id,
        "/purposes/<": made.purpose.public_id,
        "/f/<": make_form(books, made).public_id,
        "/notice/<": books.public_id,
    }
    client = team_client(app, ada)
    token = client.csrf_token()
    for method, path in all_requests(app, known):
        for number, value in enumerate(HOSTILE):
            if method == "GET" and number > 3:
                break
            response = throw(client, method, path, value, token)
            assert response.status_code != 500, (method, path, value[:40], response.text[:300])
            if path.endswith("/sign-out") and response.status_code == 303:
                client.enter_as(ada)
                token = client.csrf_token()


def throw(client: TeamClient, method: str, path: str, value: str, token: str) -> TestResponse:
    if method == "GET":
        query = {"next": value, "older": value, "search": value, "newer": value, "open": value}
        return client.get(path, base_url=host_of(path), query_string=query)
    fields = dict.fromkeys(FIELDS, value) | {"csrf_token": token}
    return client.open(path, base_url=host_of(path), method=method, data=fields)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"a=%ff%fe&csrf_token=%ed%a0%80", "application/x-www-form-urlencoded"),
        (b'{"a": "\\ud800"}', "application/json"),
        (b"[" * 50_000, "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"&".join(b"a=1" for _ in range(5000)), "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_no_form_is_refused_calmly(
    app: Flask, ada: Account, body: bytes, kind: str
) -> None:
    client = team_client(app, ada)
    token = client.csrf_token()
    for path in ("/admin/sign-in", "/admin/lists/new", "/c/x", "/f/frm_x", "/u/x", "/p/x"):
        response = client.post(
            path,
            base_url=host_of(path),
            data=body,
            content_type=kind,
            headers={"X-CSRF-Token": token},
        )
        assert response.status_code < 500, (path, response.text)


@pytest.mark.parametrize(
    "raw", ["/admin/lists/%ff%fe", "/admin/?next=%ff", "/%00", "/admin/%00", "/f/%ed%a0%80"]
)
def test_addresses_in_no_encoding_are_refused_calmly(app: Flask, ada: Account, raw: str) -> None:
    asked = team_client(app, ada).get(raw, base_url=host_of(raw))
    assert asked.status_code in (200, 400, 404)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cookie", "session=\xff\xfe; notice=garbage; before=\x7f"),
        ("Cookie", "session=" + "x" * 5000),
        ("User-Agent", "\xff" * 500),
        ("Accept", ";;;q=x,,"),
        ("Host", "desk.example:notaport"),
        ("Content-Length", "minus one"),
        ("X-Forwarded-For", "not, an, address"),
    ],
)
def test_headers_out_of_shape_are_borne(app: Flask, ada: Account, name: str, value: str) -> None:
    response = team_client(app).get("/admin/sign-in", headers={name: value})
    assert response.status_code < 500
