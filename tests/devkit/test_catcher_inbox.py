from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import Page, sync_playwright

from mailer.devkit.catcher_inbox import create_inbox, link_addresses, open_links_outside
from mailer.devkit.caught_mail import LetterBox
from tests.support.chromium import launch_browser

HTML = """<!doctype html><html><head><style>p { color: rgb(1, 2, 3) }</style></head><body>
<p id="p">Ahoj</p><script>document.getElementById("p").textContent = "a script ran"</script>
<p><img src="{pixel}" onerror="parent.document.title = 'broken out'" alt=""></p>
<p><a id="out" href="{link}">Confirm</a></p></body></html>"""


def write_mail(
    link: str = "https://example.org/", *, html: bool = True, pixel: str = "data:,"
) -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Žltý kôň <news@example.com>"
    message["To"] = "ada@example.org"
    message["Subject"] = "Potvrďte <odber>"
    message.set_content(f"Dobrý deň <Ada>, {link}confirm?a=1&b=2. Ďakujeme\n")
    if html:
        message.add_alternative(
            HTML.replace("{link}", link).replace("{pixel}", pixel), subtype="html"
        )
    return message.as_bytes()


@pytest.fixture
def client(box: Path) -> FlaskClient:
    return create_inbox(box).test_client()


@pytest.fixture
def mail_id(box: Path) -> str:
    return LetterBox(box).add("bounce@example.com", ["ada@example.org"], write_mail())


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = launch_browser(playwright)
        page = browser.new_page()
        page.set_default_timeout(10_000)
        yield page
        browser.close()


def test_the_list_shows_newest_first_and_finds_a_recipient(client: FlaskClient, box: Path) -> None:
    letters = LetterBox(box)
    letters.add("", ["ada@example.org"], b"Subject: first <b>\r\n\r\n")
    letters.add("", ["ben@example.org"], b"Subject: second\r\n\r\n")
    listed = client.get("/").text
    assert listed.index("second") < listed.index("first &lt;b&gt;")
    found = client.get("/?to=ada@").text
    assert "first" in found
    assert "second" not in found


def test_programs_read_the_list_and_the_source(
    client: FlaskClient, box: Path, mail_id: str
) -> None:
    [listed] = client.get("/messages.json?to=ada@example.org").get_json()["messages"]
    assert listed["id"] == mail_id
    assert listed["to"] == ["ada@example.org"]
    assert listed["from"] == "bounce@example.com"
    assert listed["subject"] == "Potvrďte <odber>"
    raw = client.get(listed["raw"])
    assert raw.data == LetterBox(box).get_mail(mail_id).raw
    assert raw.content_type == "text/plain; charset=utf-8"
    assert client.get("/messages.json?to=ben").get_json() == {"messages": []}


def test_the_text_part_has_links_and_is_escaped(client: FlaskClient, mail_id: str) -> None:
    shown = client.get(f"/messages/{mail_id}/text").text
    assert "Dobrý deň &lt;Ada&gt;" in shown
    assert '<a href="https://example.org/confirm?a=1&amp;b=2" target="_blank"' in shown


def test_headers_are_shown_decoded_and_as_they_came(client: FlaskClient, mail_id: str) -> None:
    shown = client.get(f"/messages/{mail_id}/headers").text
    assert "Potvrďte &lt;odber&gt;" in shown
    assert "=?utf-8?" in shown


def test_the_source_is_shown_and_downloaded(client: FlaskClient, mail_id: str) -> None:
    assert "MIME-Version: 1.0" in client.get(f"/messages/{mail_id}/source").text
    raw = client.get(f"/messages/{mail_id}/raw")
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"


def test_a_mail_without_html_opens_with_its_text(client: FlaskClient, box: Path) -> None:
    mail_id = LetterBox(box).add("", ["ada@example.org"], write_mail(html=False))
    shown = client.get(f"/messages/{mail_id}").text
    assert "iframe" not in shown
    assert "Dobrý deň" in shown
    assert client.get(f"/messages/{mail_id}/html").status_code == 404


def test_broken_mail_is_shown_and_is_no_error(client: FlaskClient, box: Path) -> None:
    raw = b"Subject: \xff\xfe =?x?y?z?=\r\nContent-Type: multipart/mixed\r\n\r\n\xff\xfe\x00\r\n"
    mail_id = LetterBox(box).add("", ["ada@example.org"], raw)
    for tab in ("", "/text", "/headers", "/source", "/raw"):
        assert client.get(f"/messages/{mail_id}{tab}").status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/messages/x", "/messages/..%2f..%2fx/raw", "/nowhere"])
def test_what_is_not_there_says_so(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Show all mail" in answer.text


def test_clearing_needs_a_post_from_the_inbox_itself(client: FlaskClient, mail_id: str) -> None:
    assert client.get("/clear").status_code == 405
    assert client.post("/clear", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(f"/messages/{mail_id}").status_code == 200
    assert client.post("/clear").status_code == 303
    assert client.get(f"/messages/{mail_id}").status_code == 404


def test_long_lists_continue_on_the_next_page(client: FlaskClient, box: Path) -> None:
    letters = LetterBox(box)
    for number in range(51):
        letters.add("", ["ada@example.org"], f"Subject: number {number:02}\r\n\r\n".encode())
    first = client.get("/").text
    assert "number 50" in first
    assert "number 00" not in first
    older = first.partition('href="/?before=')[2].partition('"')[0]
    second = client.get(f"/?before={older}").text
    assert "number 00" in second
    assert "number 01" not in second


def test_the_frame_runs_no_script_and_asks_nobody(page: Page, inbox_port: int, box: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        pixel = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/pixel.gif"
        mail_id = LetterBox(box).add("", ["ada@example.org"], write_mail(pixel=pixel))
        page.goto(f"http://127.0.0.1:{inbox_port}/messages/{mail_id}")
        paragraph = page.frame_locator("iframe").locator("#p")
        assert paragraph.inner_text() == "Ahoj"
        assert paragraph.evaluate("element => getComputedStyle(element).color") == "rgb(1, 2, 3)"
        assert page.title().startswith("Potvrďte <odber>")
        # Opened by itself, outside our frame, the mail is in its sandbox all the same.
        page.goto(f"http://127.0.0.1:{inbox_port}/messages/{mail_id}/html")
        assert page.locator("#p").inner_text() == "Ahoj"
        assert page.evaluate("origin") == "null"
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_links_in_the_frame_open_beside_the_inbox(page: Page, inbox_port: int, box: Path) -> None:
    link = f"http://127.0.0.1:{inbox_port}/?to=followed"
    mail_id = LetterBox(box).add("", ["ada@example.org"], write_mail(link))
    page.goto(f"http://127.0.0.1:{inbox_port}/messages/{mail_id}")
    with page.expect_popup() as opened:
        page.frame_locator("iframe").locator("#out").click()
    # The opened page is free of the sandbox: its own script and style work.
    assert opened.value.locator("#to").input_value() == "followed"
    assert opened.value.evaluate("origin") == f"http://127.0.0.1:{inbox_port}"


def test_new_mail_appears_without_a_reload(page: Page, inbox_port: int, box: Path) -> None:
    page.goto(f"http://127.0.0.1:{inbox_port}/")
    assert page.locator("#count").inner_text() == "0 mails"
    page.evaluate("window.notReloaded = true")
    LetterBox(box).add("", ["ada@example.org"], write_mail())
    page.locator(".mails .to", has_text="ada@example.org").wait_for()
    assert page.locator("#count").inner_text() == "1 mail"
    assert page.evaluate("window.notReloaded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_use_it(
    page: Page, inbox_port: int, mail_id: str, scheme: str, width: int
) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    message = f"/messages/{mail_id}"
    for path in ("/", "/?to=nobody", *(message + tab for tab in ("/text", "/headers", "/source"))):
        page.goto(f"http://127.0.0.1:{inbox_port}{path}")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert complaints == []
    page.goto(f"http://127.0.0.1:{inbox_port}{message}")
    found = Axe().run(page, options={"iframes": False})
    assert found.violations_count == 0, found.generate_report()


def test_the_running_inbox_answers_programs(inbox_port: int, mail_id: str) -> None:
    with urlopen(f"http://127.0.0.1:{inbox_port}/messages.json") as answer:
        assert [mail["id"] for mail in json.load(answer)["messages"]] == [mail_id]


def test_a_link_ends_before_the_full_stop() -> None:
    assert link_addresses("(see https://a.example/x).") == (
        '(see <a href="https://a.example/x" target="_blank" rel="noopener noreferrer">'
        "https://a.example/x</a>)."
    )
    assert link_addresses("<script>") == "&lt;script&gt;"


@pytest.mark.parametrize(
    ("html", "opened"),
    [
        ('<html><head lang="x"><title>', '<html><head lang="x"><base target="_blank"><title>'),
        ("<!doctype html><html><p>", '<!doctype html><html><base target="_blank"><p>'),
        ("<p>", '<base target="_blank"><p>'),
        ("<header>", '<base target="_blank"><header>'),
    ],
)
def test_the_new_window_is_asked_for_early_in_the_mail(html: str, opened: str) -> None:
    assert open_links_outside(html) == opened
