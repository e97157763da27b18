"""A language is told by what stands there, never by its first letters."""

from __future__ import annotations

import pytest

from mailer.foundation.languages import primary_language


@pytest.mark.parametrize(
    ("language", "ways"),
    [
        ("sk", "sk SK sk-SK sk_SK sk_SK.UTF-8 slk slo Slovak SLOVAK slovenčina Slovenčina"),
        ("sl", "sl sl-SI slv Slovenian Slovene slovenščina"),
        ("cs", "cs cz cs-CZ ces cze Czech čeština"),
        ("uk", "uk uk-UA ukr Ukrainian"),
        ("en", "en en-GB GB eng English"),
        ("de", "de de-AT ger deu German Deutsch"),
        ("et", "et est Estonian"),
        ("sv", "sv swe Swedish svenska"),
        ("zh", "zh-Hant-TW Chinese"),
        ("", "Slovensko Sloven unknown! 12"),
    ],
)
def test_codes_tags_and_names_of_a_language_are_that_language(language: str, ways: str) -> None:
    assert {way: primary_language(way) for way in ways.split()} == dict.fromkeys(
        ways.split(), language
    )


def test_what_stands_behind_a_name_does_not_matter() -> None:
    told = ["Slovak (Slovakia)", "English (US)", " Slovak Republic ", ""]
    assert [primary_language(one) for one in told] == ["sk", "en", "sk", ""]
