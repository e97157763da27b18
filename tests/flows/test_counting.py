"""Counted clicks in a browser: the switch, the mail, a click, the figures, and the press that ends it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.running import RunningMailer, links_of, text_of
from tests.support.stories import (
    confirm,
    fill_form,
    new_address,
    send_campaign,
    sign_in,
    sign_up,
    write_campaign,
)

pytestmark = pytest.mark.browser


def sign_up_and_agree(service: RunningMailer, page: Page, address: str) -> None:
    """Sign up on the hosted form with the box about measuring ticked, and confirm."""
    sign_up(service, page, "plain", new_address("before"))
    page.goto(page.url.removesuffix("/check-inbox"))
    page.get_by_label("You may measure").check()
    fill_form(page, address)
    expect(page.get_by_text("Check your inbox").first).to_be_visible()
    confirm(service, page, address)


def write_counting(service: RunningMailer, office: Page, subject: str, target: str) -> None:
    """A campaign with one link and the switch on."""
    write_campaign(service, office, subject, subject=subject)
    office.get_by_role("textbox", name="Text").fill(f"New: [the books]({target}).")
    office.get_by_label("Count clicks of people who agreed to it").check()
    office.get_by_role("button", name="Save the draft").click()
    expect(office.get_by_label("Count clicks of people who agreed to it")).to_be_checked()


@pytest.mark.requirement("C-101")
@pytest.mark.requirement("C-103")
def test_clicks_are_counted_of_who_agreed_until_they_stop_it(
    service: RunningMailer, browser: Browser, page: Page
) -> None:
    agreed, other = new_address("agreed"), new_address("other")
    sign_up_and_agree(service, page, agreed)
    sign_up(service, page, "plain", other)
    confirm(service, page, other)
    target = f"{service.demo}/plain.html?from={new_address('mail').partition('@')[0]}"
    with browser.new_context() as context:
        office = context.new_page()
        sign_in(service, office)
        write_counting(service, office, "Counted", target)
        send_campaign(office)
        report = office.url
        mail, plain = (service.await_mails(one, 2)[-1] for one in (agreed, other))
        assert target not in text_of(mail)
        assert target in text_of(plain)
        assert "because you agreed to it" in " ".join(text_of(mail).split())

        found = re.search(r"https?://\S+/c/[\w.~-]+/1", text_of(mail))
        assert found is not None
        page.goto(found.group(0))
        assert page.url == target
        office.goto(report)
        row = office.get_by_role("row").filter(has_text=target)
        expect(row.get_by_role("cell")).to_have_text(["1", "1"])
        expect(office.get_by_text("agreed to be counted")).to_be_visible()

        page.goto(links_of(mail, "t"))
        page.get_by_role("button", name="Stop the counting").click()
        expect(page.get_by_role("heading", name="Nothing is counted any more")).to_be_visible()
        page.goto(found.group(0))
        assert page.url == target
        office.reload()
        expect(row.get_by_role("cell")).to_have_text(["1", "1"])

        write_counting(service, office, "Not counted any more", target)
        send_campaign(office)
        assert target in text_of(service.await_mails(agreed, 3)[-1])
    assert page.context.cookies() == []
