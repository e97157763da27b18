"""Takes the two pictures of the README from a running service: `python -m scripts.take_pictures`.

Starts the whole service with data of its own, signs a few people up as a visitor does, sends them a
campaign as a marketer does, and writes docs/pictures/form.png and campaign.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.chromium import launch_browser
from tests.support.running import RunningMailer, run_mailer
from tests.support.stories import confirm, fill_form, send_campaign, sign_in

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 800
PEOPLE = ("Cleo", "Ines", "Marek", "Jonas", "Zuzana", "Amara", "Pavel", "Freya")


def main() -> int:
    """Take both pictures; returns the exit status."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        run_mailer(Path(directory) / "var") as service,
        sync_playwright() as playwright,
    ):
        browser = launch_browser(playwright)
        take_form(service, _page(browser), PICTURES / "form.png")
        for name in PEOPLE:
            page = _page(browser)
            address = f"{name.lower()}@example.org"
            page.goto(f"{service.demo}/script.html")
            page.get_by_label("First name").fill(name)
            fill_form(page, address)
            expect(page.get_by_text("Check your inbox").first).to_be_visible()
            confirm(service, page, address)
            page.context.close()
        take_campaign(service, _page(browser), PICTURES / "campaign.png")
        browser.close()
    sys.stdout.write(f"Written: {PICTURES}/form.png and campaign.png\n")
    return 0


def take_form(service: RunningMailer, page: Page, path: Path) -> None:
    """The form as the script draws it into the demo website, filled in but not sent."""
    page.goto(f"{service.demo}/script.html")
    page.get_by_label("E-mail address").fill("cleo@example.org")
    page.get_by_label("First name").fill("Cleo")
    page.get_by_label("“Monthly letter”").check()
    page.get_by_label("“Evenings with authors”").check()
    page.screenshot(path=path, full_page=True)


def take_campaign(service: RunningMailer, page: Page, path: Path) -> None:
    """The page of the demo campaign, once everybody of its audience is settled."""
    sign_in(service, page)
    page.goto(f"{service.admin}/campaigns/")
    page.get_by_role("link", name="November letter").click()
    send_campaign(page)
    expect(page.get_by_text("sent", exact=True).first).to_be_visible(timeout=20_000)
    page.reload()  # without the notice that sending has begun
    # A window as high as the page: the mail is shown in a frame, which is drawn only where it is in view.
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": WIDTH, "height": height})
    expect(page.frame_locator("iframe").first.get_by_text("The Salt Road")).to_be_visible()
    page.screenshot(path=path)


def _page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    return context.new_page()


if __name__ == "__main__":
    sys.exit(main())
