"""The whole story in a browser: sign up, confirm, prove, send, change one's mind."""

from __future__ import annotations

import re
import urllib.request

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.running import RunningMailer, links_of, text_of
from tests.support.stories import (
    WAYS,
    confirm,
    new_address,
    send_campaign,
    sign_in,
    sign_up,
    write_campaign,
)

pytestmark = pytest.mark.browser


def one_click(url: str) -> int:
    """What a mail program does when somebody presses its unsubscribe button (RFC 8058)."""
    request = urllib.request.Request(url, data=b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.geturl() == url
        return int(answer.status)


@pytest.mark.requirement("C-001")
@pytest.mark.parametrize("way", WAYS)
def test_from_the_embedded_form_to_no_further_mail(
    service: RunningMailer, browser: Browser, page: Page, way: str
) -> None:
    address = new_address(way)
    sign_up(service, page, way, address)
    confirm(service, page, address)
    assert page.context.cookies() == []

    with browser.new_context() as context:
        office = context.new_page()
        sign_in(service, office)
        office.goto(f"{service.admin}/people?search={address}")
        office.get_by_role("link", name=address).click()
        for word in ("asked", "mail sent", "confirmed"):
            expect(office.get_by_text(word, exact=True).first).to_be_visible()
        expect(office.get_by_text("Yes, please send me “Monthly letter”").first).to_be_attached()

        subject = f"News {new_address()}"
        write_campaign(service, office, f"Campaign by {way}", subject=subject)
        send_campaign(office)
        mail = service.await_mails(address, 2)[-1]
        assert mail["Subject"] == subject
        assert "Hello reader" in text_of(mail)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        header = re.fullmatch(r"<(https?://\S+)>", mail["List-Unsubscribe"])
        assert header is not None
        expect(office.get_by_text("sent", exact=True).first).to_be_visible(timeout=15_000)

        assert one_click(header.group(1)) == 200

        write_campaign(service, office, f"Second by {way}", subject="Nothing for them")
        office.get_by_role("link", name="Check and send").click()
        office.goto(f"{service.admin}/people?search={address}")
        office.get_by_role("link", name=address).click()
        expect(office.get_by_text("withdrawn", exact=True).first).to_be_visible()
    assert len(service.mails(address)) == 2


def test_without_javascript_everything_works_too(service: RunningMailer, browser: Browser) -> None:
    address = new_address("plain")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_up(service, page, "plain", address)
        confirm(service, page, address)
        framed = new_address("framed")
        sign_up(service, page, "frame", framed)
        confirm(service, page, framed)

        office = context.new_page()
        sign_in(service, office)
        write_campaign(service, office, "By keyboard only", subject="No script was run")
        send_campaign(office)
        mail = service.await_mails(address, 2)[-1]
        page.goto(links_of(mail, "u"))
        page.get_by_role("button", name="Stop these mails").click()
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("That is undone.")).to_be_visible()


@pytest.mark.requirement("L-001")
@pytest.mark.requirement("L-002")
@pytest.mark.requirement("L-004")
def test_robots_that_open_every_link_change_nothing(
    service: RunningMailer, browser: Browser, page: Page
) -> None:
    address = new_address("scanned")
    sign_up(service, page, "script", address)
    (asked,) = service.await_mails(address)
    links = re.findall(r"https?://[^\s<>\"]+", text_of(asked))
    open_like_a_robot(browser, links)
    assert len(links) >= 2

    confirm(service, page, address)  # the link was not used up
    with browser.new_context() as context:
        office = context.new_page()
        sign_in(service, office)
        write_campaign(service, office, "Scanned", subject="For robots")
        send_campaign(office)
        mail = service.await_mails(address, 2)[-1]
        open_like_a_robot(browser, re.findall(r"https?://[^\s<>\"]+", text_of(mail)))
        office.goto(f"{service.admin}/people?search={address}")
        expect(office.get_by_text("subscribed", exact=True)).to_be_visible()


def open_like_a_robot(browser: Browser, links: list[str]) -> None:
    """HEAD and GET every link of ours, and run the scripts of its page until it is quiet."""
    with browser.new_context() as context:
        page = context.new_page()
        for link in links:
            if "127.0.0.1" not in link:
                continue
            for method in ("HEAD", "GET"):
                request = urllib.request.Request(link, method=method)
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert answer.status == 200
            page.goto(link)
            page.wait_for_load_state("networkidle")
