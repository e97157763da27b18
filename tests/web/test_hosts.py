"""The team's side and the public pages, each on the host that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from mailer.app import create_app
from mailer.foundation.database import db
from tests.conftest import settings_for

HOSTS = {
    "MAILER_PUBLIC_URL": "http://news.example",
    "MAILER_ADMIN_URL": "http://desk.example:8443",
}


@pytest.fixture
def own_hosts(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    """An application whose team's side has a host of its own."""
    app = create_app(settings_for(tmp_path, MAILER_DATABASE_URL=database_url, **HOSTS))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.mark.requirement("S-021")
def test_the_teams_side_is_served_on_its_own_host_only(own_hosts: Flask) -> None:
    client = own_hosts.test_client()
    asked = client.get("/admin/lists/?a=b%20c", base_url="http://news.example")
    assert asked.status_code == 307
    assert asked.location == "http://desk.example:8443/admin/lists/?a=b%20c"
    assert client.get("/admin", base_url="http://desk.example").status_code == 307
    assert client.get("/admin/sign-in", base_url="http://desk.example:8443").status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        sent = client.open("/admin/sign-in", method=method, base_url="http://news.example")
        assert sent.status_code == 404


@pytest.mark.requirement("S-021")
def test_public_pages_asked_on_the_teams_host_lead_to_their_own(own_hosts: Flask) -> None:
    client = own_hosts.test_client()
    desk = "http://desk.example:8443"
    for path in ("/c/some~token", "/nowhere", "//evil.example/x"):
        asked = client.get(path, base_url=desk)
        assert asked.status_code == 307
        assert asked.location.startswith("http://news.example/")
    for method in ("POST", "PUT", "DELETE"):
        for path in ("/c/some~token", "/u/some~token", "/f/frm_x"):
            assert client.open(path, method=method, base_url=desk).status_code == 404


@pytest.mark.requirement("S-021")
def test_styles_and_health_are_served_on_every_host(own_hosts: Flask) -> None:
    client = own_hosts.test_client()
    for host in ("http://news.example", "http://desk.example:8443", "http://10.0.0.7:8000"):
        assert client.get("/health", base_url=host).status_code == 200
        response = client.get("/static/public.css", base_url=host)
        assert response.status_code == 200
        response.close()


def test_the_bare_address_leads_in_on_the_teams_host_only(own_hosts: Flask) -> None:
    client = own_hosts.test_client()
    assert client.get("/", base_url="http://desk.example:8443").location == "/admin/"
    assert client.get("/", base_url="http://news.example").status_code == 404


@pytest.mark.requirement("S-021")
@pytest.mark.parametrize("host", ["desk.example", "DESK.example.", "desk.example:8443"])
def test_the_teams_host_answers_nothing_that_is_public(own_hosts: Flask, host: str) -> None:
    client = own_hosts.test_client()
    for path in ("/f/frm_1", "/u/token", "/p/token", "/c/token"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            response = client.open(path, method=method, headers={"Host": host})
            assert response.status_code == 404, (method, path)
        assert client.get(path, headers={"Host": host}).location == f"http://news.example{path}"
    spelt = {"Host": "DESK.Example.:8443"}
    assert client.get("/admin/sign-in", headers=spelt).status_code == 200


@pytest.mark.requirement("S-021")
@pytest.mark.parametrize("host", ["news.example", "NEWS.example.:80", "elsewhere.example"])
def test_other_hosts_answer_nothing_of_the_team(own_hosts: Flask, host: str) -> None:
    client = own_hosts.test_client()
    forwarded = {"Host": host, "X-Forwarded-Host": "desk.example:8443"}  # no proxy is trusted here
    assert client.post("/admin/sign-in", headers=forwarded).status_code == 404
    found = client.get("/admin/sign-in", headers=forwarded)
    assert found.location == "http://desk.example:8443/admin/sign-in"
