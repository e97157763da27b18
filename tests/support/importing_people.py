"""Importing people through the pages of a running service."""

from __future__ import annotations

from playwright.sync_api import FilePayload, Page

from tests.support.running import RunningMailer


def begin_import(service: RunningMailer, page: Page, address: str = "pat@example.org") -> str:
    """Upload a file; the address of the page that asks what its columns mean."""
    page.goto(f"{service.admin}/imports/new")
    body = f"email,name\n{address},Pat\nnobody,X\n".encode()
    file = FilePayload(name="till.csv", mimeType="text/csv", buffer=body)
    page.set_input_files("input[name=file]", files=[file])
    page.select_option("select[name=list]", index=1)
    page.get_by_role("button", name="Look at the file").click()
    page.get_by_role("heading", name="What the columns mean").wait_for()
    return page.url


def import_and_ask(service: RunningMailer, page: Page, address: str) -> str:
    """Bring somebody in without a proof and ask them; the address of the import's page."""
    imported = begin_import(service, page, address)
    page.get_by_label("Source").fill("till receipts")
    page.get_by_role("button", name="Begin the dry run").click()
    page.get_by_text("dry run done").first.wait_for(timeout=60_000)
    page.goto(imported)
    page.get_by_label("Type 1 to confirm").fill("1")
    page.get_by_role("button", name="Import one person").click()
    page.get_by_text("locked, no proof").first.wait_for(timeout=60_000)
    page.goto(imported)
    page.get_by_label("Type 1 to confirm").fill("1")
    page.get_by_role("button", name="Ask one person").click()
    return imported
