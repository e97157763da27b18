"""Steps of the story as people take them in a browser."""

from __future__ import annotations

import secrets

from playwright.sync_api import FrameLocator, Page, expect

from tests.support.running import RunningMailer, links_of

WAYS = ("plain", "frame", "script")


def new_address(word: str = "cleo") -> str:
    return f"{word}.{secrets.token_hex(4)}@example.org"


def fill_form(form: Page | FrameLocator, address: str, *lists: str) -> None:
    """Fill in the embedded form and press its button."""
    form.get_by_label("E-mail address").fill(address)
    for name in lists or ("Monthly letter",):
        form.get_by_label(f"“{name}”").check()
    form.get_by_role("button", name="Ask for the confirmation mail").click()


def sign_up(service: RunningMailer, page: Page, way: str, address: str, *lists: str) -> None:
    """Sign up on the demo website in one of the three ways, up to "Check your inbox"."""
    page.goto(f"{service.demo}/{way}.html")
    form: Page | FrameLocator = page.frame_locator("iframe") if way == "frame" else page
    fill_form(form, address, *lists)
    if way == "plain":
        expect(page.get_by_text("One more step")).to_be_visible()
        page.get_by_role("button", name="Ask for the confirmation mail").click()
    expect(form.get_by_text("Check your inbox").first).to_be_visible()


def confirm(service: RunningMailer, page: Page, address: str) -> None:
    """Open the link of the newest mail and press the button."""
    page.goto(links_of(service.await_mails(address)[-1], "c"))
    page.get_by_role("button", name="Confirm my subscription").click()
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()


def sign_in(service: RunningMailer, page: Page) -> None:
    """Come in on the marketers' side with the printed sign-in."""
    page.goto(f"{service.admin}/")
    page.get_by_label("E-mail address").fill(service.address)
    page.get_by_label("Password").fill(service.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def write_campaign(service: RunningMailer, page: Page, name: str, *, subject: str) -> None:
    """A campaign to the first list, saved as a draft; the editor is open afterwards."""
    page.goto(f"{service.admin}/campaigns/new")
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("From").select_option(index=1)
    page.get_by_label("Monthly letter").check()
    page.get_by_role("textbox", name="Subject").fill(subject)
    page.get_by_role("textbox", name="Text").fill(
        '# Hello {{ contact.first_name | default("reader") }},\n\nnew books have come.'
    )
    page.get_by_role("button", name="Save the draft").click()


def send_campaign(page: Page) -> int:
    """From the editor: check, type the number of people, send; returns that number."""
    page.get_by_role("link", name="Check and send").click()
    field = page.get_by_label("Type the number of people")
    number = int(page.locator("input[name=shown]").input_value())
    field.fill(str(number))
    page.get_by_role("button", name="Send to").click()
    expect(page.get_by_text("Sending has begun")).to_be_visible()
    return number
