"""axe finds nothing on any page, wide and narrow, light and dark; nothing scrolls sideways on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from tests.support.importing_people import begin_import, import_and_ask
from tests.support.running import RunningMailer, links_of, run_mailer
from tests.support.stories import (
    confirm,
    new_address,
    send_campaign,
    sign_in,
    sign_up,
    write_campaign,
)

pytestmark = pytest.mark.browser

WIDE, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
LEAST_WIDTH = 320
# Mails, shown in a sandbox where no script runs, axe's neither; and what is downloaded.
MAILS = re.compile(r"/evidence/|/preview|\.json$|\.csv$")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMailer]:
    """Pages look alike on both databases: one is enough here."""
    with run_mailer(tmp_path_factory.mktemp("pages") / "var") as running:
        yield running


@dataclass
class Tour:
    """Everything there is to look at, after the story has run once."""

    service: RunningMailer
    page: Page
    public: list[str]
    team: list[str]


@pytest.fixture(scope="module")
def tour(service: RunningMailer, browser: Browser) -> Iterator[Tour]:
    with browser.new_context() as context:
        page = context.new_page()
        address, waiting = new_address("guest"), new_address("waiting")
        sign_up(service, page, "plain", address)
        form = page.url.removesuffix("/check-inbox")
        asked = service.await_mails(address)[0]
        confirm(service, page, address)
        sign_up(service, page, "plain", waiting)
        pending = service.await_mails(waiting)[0]
        sign_in(service, page)
        write_campaign(service, page, "On tour", subject="Look at me")
        send_campaign(page)
        report = page.url
        mail = service.await_mails(address, 2)[-1]
        public = [
            form,
            f"{form}/check-inbox",
            f"{form}/frame",
            f"{service.web}/f/frm_unknown",
            links_of(pending, "c"),
            links_of(asked, "c"),
            links_of(pending, "n"),
            links_of(mail, "u"),
            links_of(mail, "p"),
            f"{service.web}/u/damaged",
            f"{service.web}/c/damaged",
            f"{service.web}/log",
        ]
        organisation = re.search(r"/notice/(org_[\w-]+)", _source(page, form))
        assert organisation is not None
        public += [f"{service.web}/{kind}/{organisation[1]}" for kind in ("notice", "imprint")]
        public += [f"{service.web}/receipts/{name}" for name in ("verify", "terms")]
        page.goto(links_of(mail, "p"))
        receipts = "links => [...new Set(links.map(link => link.href))]"
        public += page.eval_on_selector_all("a[href*='/r/']", receipts)
        imported = new_address("imported")
        import_and_ask(service, page, imported)
        permission = service.await_mails(imported)[0]
        public += [links_of(permission, "i"), links_of(permission, "i/no")]
        columns = begin_import(service, page)
        team = [*_walk(service, page, report), columns]
        yield Tour(service, page, public, team)


def _source(page: Page, url: str) -> str:
    page.goto(url)
    return page.content()


def _walk(service: RunningMailer, page: Page, report: str) -> list[str]:
    """Every page of the team's side that a link leads to."""
    seen, waiting = {report}, [f"{service.admin}/", report]
    shapes: set[str] = set()
    found: list[str] = []
    while waiting:
        url = waiting.pop()
        shape = re.sub(r"(\w{3})_[\w-]{22}|[0-9a-f]{64}|\?.*", r"\1", url)
        if shape in shapes:
            continue
        shapes.add(shape)
        answer = page.goto(url)
        if answer is None or "html" not in answer.headers.get("content-type", ""):
            continue
        assert answer.status == 200, url
        found.append(url)
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        for link in (link.partition("#")[0] for link in links):
            if link.startswith(service.admin) and link not in seen and not MAILS.search(link):
                seen.add(link)
                waiting.append(link)
    return found


def findings(page: Page, url: str) -> list[str]:
    page.goto(url)
    # Frames with mails are looked at where mails are made; here it is about our own pages.
    response = Axe().run(page, options={"iframes": False}).response
    told = [
        f"{url}: {one['id']}: {one['nodes'][0]['html'][:120]}" for one in response["violations"]
    ]
    width = page.evaluate("document.documentElement.scrollWidth")
    limit = page.evaluate("window.innerWidth")
    return told + ([f"{url}: {width} px wide on a screen of {limit}"] if width > limit else [])


@pytest.mark.requirement("A-001")
@pytest.mark.requirement("A-008")
@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (PHONE, "light"), (WIDE, "dark")], ids=str
)
def test_axe_finds_nothing_on_any_page(
    tour: Tour, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    assert len(tour.public) >= 17
    assert len(tour.team) >= 25
    tour.page.emulate_media(color_scheme=scheme)
    tour.page.set_viewport_size(size)
    wrong = [found for url in tour.public + tour.team for found in findings(tour.page, url)]
    assert wrong == []


@pytest.mark.requirement("A-008")
def test_nothing_scrolls_sideways_on_the_narrowest_phone(tour: Tour) -> None:
    tour.page.set_viewport_size(ViewportSize(width=LEAST_WIDTH, height=640))
    wide = []
    for url in tour.public + tour.team:
        tour.page.goto(url)
        if tour.page.evaluate("document.documentElement.scrollWidth") > LEAST_WIDTH:
            wide.append(url)
    assert wide == []


@pytest.mark.requirement("S-020")
def test_no_page_breaks_its_own_content_policy(tour: Tour) -> None:
    complaints: list[str] = []
    tour.page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    for url in tour.public + tour.team:
        tour.page.goto(url)
    expected = re.compile(r"status of (404|410)")  # the damaged links of the tour
    assert [text for text in complaints if not expected.search(text)] == []
