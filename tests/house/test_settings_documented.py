"""The page of the settings is written from the table the service reads; so it cannot lie."""

from __future__ import annotations

from mailer.cli import docs
from mailer.foundation.settings import ENTRIES
from tests.house.sources import ROOT


def test_the_page_is_what_the_code_says() -> None:
    page = ROOT / "docs" / "settings.md"
    assert page.exists(), "run `make docs`"
    assert page.read_text(encoding="utf-8") == docs.settings_page(), "run `make docs`"


def test_the_page_names_every_setting_with_its_default() -> None:
    rows = [line for line in docs.settings_page().splitlines() if line.startswith("| `MAILER_")]
    assert len(rows) == len(ENTRIES)
    for entry, row in zip(ENTRIES, rows, strict=True):
        assert f"`{entry.name}`" in row
        assert entry.help in row
        shown = "*required*" if entry.default is None else entry.default or "*empty*"
        assert shown in row


def test_no_cell_breaks_the_table() -> None:
    for entry in ENTRIES:
        assert "|" not in entry.help
        assert "\n" not in entry.help
