from __future__ import annotations

from datetime import date

import pytest

from mailer.rendering.words import direction_of, words_for


def test_a_region_speaks_its_language_and_an_unknown_one_english() -> None:
    assert words_for("de-AT").unsubscribe == "Abmelden"
    assert words_for("sk_SK").yes == "áno"
    assert words_for("fr") is words_for("en")


@pytest.mark.parametrize(
    ("style", "expected"),
    [("long", "9 March 2026"), ("short", "09/03/2026"), ("iso", "2026-03-09")],
)
def test_a_date_is_spelled_in_each_style(style: str, expected: str) -> None:
    assert words_for("en").spell_date(date(2026, 3, 9), style) == expected


def test_every_language_has_twelve_months() -> None:
    for language in ("en", "de", "sk", "cs"):
        assert len(set(words_for(language).months)) == 12


def test_a_language_knows_where_its_lines_begin() -> None:
    assert [direction_of(one) for one in ("ar-EG", "he", "en", "de")] == [
        "rtl",
        "rtl",
        "ltr",
        "ltr",
    ]
