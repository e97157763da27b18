"""The three embeds in a browser, on a website of another origin, with scripts and without."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from mailer import consent, forms
from mailer.consent import ConsentRecord
from mailer.forms import Form, FormDefinition
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.signup import SignupRequest
from mailer.web.embedding import EmbedCodes, embed_codes
from mailer.web.form_description import describe_published
from tests.conftest import settings_for
from tests.support.factories import make_form, make_list, make_organisation
from tests.support.make_accounts import make_account, team_client

pytestmark = pytest.mark.browser


@dataclass
class Website:
    """Somebody's website on another origin; what stands in `pages` is served."""

    origin: str
    pages: dict[str, str] = field(default_factory=dict)
    policy: str = ""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path, listener: socket.socket) -> Settings:
    shutil.copy(sqlite_template, tmp_path / "mailer.db")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    admin = url.replace("127.0.0.1", "localhost")
    return settings_for(tmp_path, MAILER_PUBLIC_URL=url, MAILER_ADMIN_URL=admin)


class Impatient(WSGIRequestHandler):
    """Gives up a connection that a browser opened in advance and never used."""

    timeout = 1


@pytest.fixture
def service(app: Flask, settings: Settings, listener: socket.socket) -> Iterator[str]:
    """The service, answering; yields its address."""
    port = listener.getsockname()[1]
    server = make_server(
        "127.0.0.1",
        port,
        app,
        threaded=True,
        request_handler=Impatient,
        fd=listener.fileno(),
    )
    server.daemon_threads = False  # closing then waits for every answer
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield settings.public_url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def website() -> Iterator[Website]:
    site = Website(origin="")

    class Pages(BaseHTTPRequestHandler):
        timeout = 1

        def do_GET(self) -> None:
            body = site.pages.get(self.path.partition("?")[0], "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if site.policy:
                self.send_header("Content-Security-Policy", site.policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        site.origin = f"http://localhost:{server.server_port}"
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture
def form(app: Flask, website: Website) -> Form:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation), make_list(organisation, name="Offers"))
    with unit_of_work():
        form.allowed_origins = [website.origin]
    return form


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh tab, with scripts and without."""
    context = browser.new_context(java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def around(code: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>'
        '<link rel="icon" href="data:,"></head>'
        f"<body><main><h1>Shop</h1>{code}</main></body></html>"
    )


def watch(page: Page) -> list[str]:
    """Fills with the addresses of everything the page asks for, and with its errors."""
    seen: list[str] = []
    page.on("request", lambda asked: seen.append(asked.url))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    return seen


def is_local(seen: list[str], *origins: str) -> bool:
    return all(url.startswith((*origins, "data:")) for url in seen)


def evidence() -> dict[str, object]:
    db.session.rollback()
    record = db.session.scalars(sa.select(ConsentRecord).order_by(ConsentRecord.id)).first()
    assert record is not None
    told = (consent.read_payload(record) or {})["evidence"]
    assert isinstance(told, dict)
    return told


def count_requests() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(SignupRequest)) or 0


def check_axe(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def first_box(form: Form) -> str:
    return str(form.draft["controls"][0]["label"])


@pytest.mark.requirement("L-003")
def test_the_page_of_its_own(tab: Page, service: str, form: Form) -> None:
    seen = watch(tab)
    tab.goto(f"{service}/f/{form.public_id}")
    tab.get_by_label("E-mail address").fill("cleo@")
    tab.get_by_role("button").click()
    expect(tab.get_by_role("alert")).to_contain_text("does not look like an e-mail address")
    expect(tab.get_by_label("E-mail address")).to_have_value("cleo@")
    tab.get_by_label("E-mail address").fill("cleo@example.org")
    tab.get_by_label(first_box(form)).check()
    tab.get_by_role("button").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    assert count_requests() == 1
    assert is_local(seen, service)
    assert tab.context.cookies() == []


@pytest.mark.requirement("S-050")
def test_the_plain_form(tab: Page, service: str, form: Form, website: Website, app: Flask) -> None:
    published = forms.find_published(form.public_id)
    assert published is not None
    ada = team_client(app, make_account(published.organisation))
    page = ada.get(f"/admin/forms/{form.public_id}/embed").text
    code = re.search(r"<textarea[^>]*>(&lt;form.*?)</textarea>", page, re.DOTALL)
    assert code is not None
    website.pages["/"] = around(unescape(code.group(1)))
    seen = watch(tab)
    tab.goto(website.origin)
    tab.get_by_label("E-mail address").fill("clöo@example.org")
    tab.get_by_label("First name").fill("Cleo")
    tab.get_by_label(first_box(form)).check()
    tab.get_by_role("button").click()
    expect(tab.get_by_text("One more step")).to_be_visible()
    assert count_requests() == 0
    expect(tab.get_by_label("First name")).to_have_value("Cleo")
    expect(tab.get_by_label(first_box(form))).to_be_checked()
    tab.get_by_role("button").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    told = evidence()
    assert (told["embed"], told["embedding_origin"]) == ("html", website.origin)
    assert (
        told["address"] == "clöo@example.org"
    )  # browsers know no such address, but there are some
    assert is_local(seen, service, website.origin)
    assert tab.context.cookies() == []


@pytest.mark.requirement("S-052")
def test_the_form_works_in_a_frame(tab: Page, service: str, form: Form, website: Website) -> None:
    website.pages["/"] = around(
        f'<iframe src="{service}/f/{form.public_id}/frame" title="Letters" width="100%" height="300"'
        f' referrerpolicy="origin"></iframe><script src="{service}/f/{form.public_id}/resize.js" async>'
        "</script>"
    )
    seen = watch(tab)
    tab.goto(website.origin)
    inside = tab.frame_locator("iframe")
    inside.get_by_label("E-mail address").fill("cleo@example.org")
    inside.get_by_label(first_box(form)).check()
    inside.get_by_role("button").click()
    expect(inside.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    told = evidence()
    assert (told["embed"], told["embedding_origin"]) == ("frame", website.origin)
    assert is_local(seen, service, website.origin)
    assert tab.context.cookies() == []


@pytest.mark.requirement("S-053")
@pytest.mark.requirement("A-012")
def test_the_frame_fits_its_content(page: Page, service: str, form: Form, website: Website) -> None:
    website.pages["/"] = around(
        f'<script src="{service}/f/{form.public_id}/resize.js"></script>'
        f'<iframe src="{service}/f/{form.public_id}/frame" title="Letters" width="100%" height="300"'
        ' referrerpolicy="origin"></iframe>'
    )
    page.goto(website.origin)
    frame = page.locator("iframe")
    expect(frame).not_to_have_attribute("height", "300")
    assert int(frame.get_attribute("height") or 0) > 600
    check_axe(page)


def codes_of(form: Form) -> EmbedCodes:
    published = forms.find_published(form.public_id)
    assert published is not None
    return embed_codes(describe_published(published))


@pytest.mark.requirement("S-053")
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_answer_in_a_frame_is_seen_in_the_look_of_the_website(
    tab: Page,
    service: str,
    form: Form,
    website: Website,
    request: pytest.FixtureRequest,
    width: int,
    look: str,
) -> None:
    paint = f"<style>body {{ background: {'#111' if look == 'dark' else '#fff'} }}</style>"
    words = f"<p>{'Words. ' * 2000}</p>"
    website.pages["/"] = around(f"{paint}{words}{codes_of(form).frame}{words}")
    tab.set_viewport_size({"width": width, "height": 640})
    tab.emulate_media(color_scheme="dark" if look == "light" else "light")
    tab.goto(website.origin)
    tab.locator("iframe").scroll_into_view_if_needed()
    inside = tab.frame_locator("iframe")
    inside.get_by_label("E-mail address").fill("cleo@example.org")
    inside.get_by_label(first_box(form)).check()
    inside.get_by_role("button").click()
    expect(inside.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    again = inside.locator(".again p").first  # what is seen where no script fits the frame
    if "no-scripts" in request.node.name:
        expect(again).to_be_in_viewport()
        expect(tab.get_by_role("link", name="open the form on its own page")).to_be_visible()
        return
    expect(inside.get_by_role("heading", level=1)).to_be_in_viewport()
    expect(inside.locator("html")).to_have_class(f"is-{look}")
    assert int(tab.locator("iframe").get_attribute("height") or 0) < 800


def test_a_website_believes_no_other_frame_about_heights(
    page: Page, service: str, form: Form, website: Website
) -> None:
    website.pages["/"] = around(codes_of(form).frame + '<iframe src="/other" height="50"></iframe>')
    website.pages["/other"] = "<script>parent.postMessage({mailerFormHeight: 5000}, '*')</script>"
    page.goto(website.origin)
    expect(page.get_by_role("link", name="open the form on its own page")).to_be_hidden()
    expect(page.locator("iframe").last).to_have_attribute("height", "50")


def test_the_link_in_place_of_the_script_gives_way_to_the_form(
    tab: Page, service: str, form: Form, website: Website, request: pytest.FixtureRequest
) -> None:
    website.pages["/"] = around(codes_of(form).script)
    tab.goto(website.origin)
    link = tab.get_by_role("link", name="open the form on its own page")
    if "no-scripts" in request.node.name:
        expect(link).to_have_attribute("href", f"{service}/f/{form.public_id}")
    else:
        tab.get_by_label("E-mail address").wait_for()
        expect(link).to_have_count(0)


@pytest.mark.requirement("S-052")
def test_a_website_that_is_not_allowed_cannot_frame_it(
    page: Page, service: str, form: Form, website: Website
) -> None:
    with unit_of_work():
        form.allowed_origins = []
    website.pages["/"] = around(
        f'<iframe src="{service}/f/{form.public_id}/frame" title="Letters"></iframe>'
    )
    page.goto(website.origin)
    expect(page.frame_locator("iframe").get_by_label("E-mail address")).to_have_count(0)


@pytest.mark.requirement("A-004")
@pytest.mark.requirement("A-005")
def test_the_form_is_drawn_by_the_script(
    page: Page, service: str, form: Form, website: Website
) -> None:
    website.policy = f"default-src 'none'; script-src {service}; connect-src {service}; img-src data:; style-src 'none'"
    website.pages["/shop"] = around(
        f'<script src="{service}/f/{form.public_id}/embed.js" async></script>'
    )
    seen = watch(page)
    page.goto(f"{website.origin}/shop?utm=secret")
    page.get_by_role("button").wait_for()
    assert page.locator(":checked").count() == 0
    check_axe(page)
    page.get_by_label("E-mail address").fill("cleo@")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_focused()
    address = page.get_by_label("E-mail address")
    expect(address).to_have_value("cleo@")
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(address).to_have_accessible_description(re.compile("does not look like"))
    check_axe(page)
    address.fill("cleo@example.org")
    page.get_by_label(first_box(form)).check()
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Check your inbox")
    expect(page.get_by_role("status")).to_be_focused()
    told = evidence()
    assert (told["embed"], told["embedding_origin"]) == ("script", website.origin)
    assert told["form_url"] == f"{website.origin}/shop"
    assert is_local(seen, service, website.origin)
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.requirement("C-041")
def test_the_script_shows_a_changed_text_again_and_keeps_the_answers(
    page: Page, service: str, form: Form, website: Website
) -> None:
    website.pages["/"] = around(
        f'<script src="{service}/f/{form.public_id}/embed.js" async></script>'
    )
    page.goto(website.origin)
    page.get_by_label("E-mail address").fill("cleo@example.org")
    page.get_by_label(first_box(form)).check()
    with unit_of_work():
        form.draft = {**form.draft, "title": "Letters <b>from</b> the harbour"}
        forms.publish(form)
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("has changed meanwhile")
    expect(page.get_by_text("Letters <b>from</b> the harbour")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value("cleo@example.org")
    expect(page.get_by_label(first_box(form))).to_be_checked()
    assert count_requests() == 0
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Check your inbox")
    assert evidence()["form_version"] == 2


@pytest.mark.requirement("S-051")
def test_the_script_on_another_website_offers_the_page_of_its_own(
    page: Page, service: str, form: Form, website: Website
) -> None:
    with unit_of_work():
        form.allowed_origins = ["https://shop.example"]
    website.pages["/"] = around(
        f'<script src="{service}/f/{form.public_id}/embed.js" async></script>'
    )
    page.goto(website.origin)
    link = page.get_by_role("link", name="Open the form on its own page")
    expect(link).to_have_attribute("href", f"{service}/f/{form.public_id}")
    expect(page.get_by_label("E-mail address")).to_have_count(0)


def test_the_script_keeps_everything_when_the_service_cannot_be_reached(
    page: Page, service: str, form: Form, website: Website
) -> None:
    website.pages["/"] = around(
        f'<script src="{service}/f/{form.public_id}/embed.js" async></script>'
    )
    page.goto(website.origin)
    page.get_by_label("E-mail address").fill("cleo@example.org")
    page.get_by_label(first_box(form)).check()
    page.context.set_offline(True)
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("please try again")
    page.context.set_offline(False)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Check your inbox")
    assert count_requests() == 1


@pytest.mark.requirement("A-001")
def test_axe_finds_nothing_on_the_public_pages(page: Page, service: str, form: Form) -> None:
    published = forms.find_published(form.public_id)
    assert published is not None
    organisation = published.organisation.public_id
    page.set_viewport_size({"width": 320, "height": 700})
    for path in (
        f"/f/{form.public_id}",
        f"/f/{form.public_id}/frame",
        f"/f/{form.public_id}/check-inbox",
        f"/notice/{organisation}",
        f"/imprint/{organisation}",
        "/f/unknown",
    ):
        page.goto(service + path)
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.goto(f"{service}/f/{form.public_id}")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_axe(page)


@pytest.mark.requirement("A-001")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_team_pages(
    browser: Browser, service: str, form: Form, app: Flask, settings: Settings, scheme: str
) -> None:
    published = forms.find_published(form.public_id)
    assert published is not None
    ada = team_client(app, make_account(published.organisation))
    cookie = ada.get_cookie("session", domain="localhost")
    assert cookie is not None
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    context.add_cookies([{"name": "session", "value": cookie.value, "url": settings.admin_url}])
    page = context.new_page()
    errors = watch(page)
    for tail in (
        "",
        "/new",
        f"/{form.public_id}",
        f"/{form.public_id}/embed",
        f"/{form.public_id}/versions",
        f"/{form.public_id}/versions/1",
    ):
        page.goto(f"{settings.admin_url}/admin/forms{tail}")
        check_axe(page)
    page.goto(f"{settings.admin_url}/admin/forms/{form.public_id}")
    page.get_by_label("Title", exact=True).fill("Typed this moment")
    preview = page.frame_locator("#preview")
    expect(preview.get_by_role("heading", level=1)).to_have_text("Typed this moment")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    page.get_by_role("button", name="Publish what is saved").click()
    expect(page.get_by_text("Version 2 is published.")).to_be_visible()
    assert not [line for line in errors if line.startswith("error:")]
    context.close()
    db.session.rollback()
    newest = forms.find_newest_version(form)
    assert newest is not None
    assert forms.read_version(newest) == FormDefinition.from_json(
        {**form.draft, "title": "Typed this moment"}
    )


def unescape(text: str) -> str:
    for code, mark in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#34;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(code, mark)
    return text
