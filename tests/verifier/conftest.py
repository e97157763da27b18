from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.verifying import open_verifier


@pytest.fixture(scope="module")
def verifier_page(browser: Browser) -> Iterator[Page]:
    """verify.html, opened once for a file of tests."""
    page = open_verifier(browser)
    yield page
    page.context.close()
