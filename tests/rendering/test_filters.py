from __future__ import annotations

import pytest

from mailer.foundation.errors import Invalid
from tests.rendering.sample import make_values, render

VALUES = make_values(
    first_name="ada LOVELACE",
    tags=["red", "blue", "green"],
    age=7,
    city="  Oslo ",
    joined_on="2026-03-01",
    site="a-b-c",
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('contact.last_name | default("there")', "there"),
        ('contact.last_name | upper | default("there")', "there"),
        ("contact.last_name | default(contact.first_name)", "ada LOVELACE"),
        ("contact.last_name or contact.first_name", "ada LOVELACE"),
        ("contact.first_name | upper", "ADA LOVELACE"),
        ("contact.first_name | lower", "ada lovelace"),
        ("contact.first_name | title", "Ada Lovelace"),
        ("contact.first_name | capitalize", "Ada lovelace"),
        ("contact.city | trim", "Oslo"),
        ("contact.first_name | truncate(4)", "ada…"),
        ('contact.first_name | truncate(5, "..")', "ada.."),
        ("contact.first_name | truncate(40)", "ada LOVELACE"),
        ('contact.site | replace("-", " ")', "a b c"),
        ("contact.joined_on | date", "1 March 2026"),
        ('contact.joined_on | date("short")', "01/03/2026"),
        ('contact.joined_on | date("iso")', "2026-03-01"),
        ("contact.tags", "red, blue, green"),
        ('contact.tags | join(" + ")', "red + blue + green"),
        ("contact.tags | length", "3"),
        ("contact.colours | length", "0"),
        ("contact.tags | first", "red"),
        ("contact.tags | last | upper", "GREEN"),
        ("contact.age", "7"),
        ("contact.age == 7", "yes"),
        ("not contact.age", "no"),
        ("-1", "-1"),
        ('contact.age < 5 or "b" in contact.site', "yes"),
        ('contact.last_name == "x"', "no"),
        ('contact.last_name != "x"', "yes"),
        ("contact.last_name == none", "yes"),
        ('contact.last_name not in ["x"]', "yes"),
    ],
)
def test_an_expression_shows_its_value(expression: str, expected: str) -> None:
    assert render(f"{{{{ {expression} }}}}", values=VALUES).text == f"{expected}\n"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de", "1. März 2026"), ("sk", "1. marca 2026"), ("cs", "1. března 2026")],
)
def test_a_date_speaks_the_language_of_the_campaign(language: str, expected: str) -> None:
    assert (
        render("{{ contact.joined_on | date }}", values=VALUES, language=language).text
        == f"{expected}\n"
    )


@pytest.mark.parametrize(
    "expression",
    [
        "contact.first_name | date",
        "contact.tags | upper",
        "contact.first_name | join",
        "contact.age | length",
        "contact.age | first",
        "contact.age > contact.first_name",
        '"x" in contact.age',
        'contact.first_name | replace("", "x")',
        'contact.first_name | replace("a", "'
        + "x" * 900
        + '")'
        + ' | replace("x", "yyyyyyyyyyyyyyyyyyyyyy")',
    ],
)
def test_a_value_that_does_not_fit_is_an_error_with_field_and_line(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        render(f"\n{{{{ {expression} }}}}", values=VALUES)
    assert caught.value.fields["body"].startswith("Line 2: ")


def test_a_value_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot be shown"):
        render("{{ contact.city }}", values=make_values(city={"a": 1}))
