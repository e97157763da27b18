from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from mailer import organisations
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from tests.support.factories import ADA, make_organisation


def test_a_complete_identity_lacks_nothing(app: Flask) -> None:
    ada = make_organisation()
    assert organisations.missing_identity(ada) == []
    assert organisations.identity_of(ada) == ADA


def test_every_mandatory_fact_that_is_empty_is_named(app: Flask) -> None:
    with unit_of_work():
        bare = organisations.create_organisation("Bare")
    assert organisations.missing_identity(bare) == [
        "Legal name",
        "Street and number",
        "City",
        "Country",
        "Contact e-mail address",
        "Supervisory authority",
        "Recipients of the data",
        "Transfers outside the Union",
    ]


def test_the_imprint_says_who_where_and_how_to_reach_them(app: Flask) -> None:
    assert organisations.imprint_lines(make_organisation()) == [
        "Harbour Books Ltd",
        "12 Custom House Quay",
        "D01 KF84 Dublin",
        "Ireland",
        "hello@harbourbooks.example",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "x" * 201),
        ("name", "nul\x00"),
        ("name", "half \ud800 pair"),
        ("country", "XX"),
        ("contact_email", "nobody"),
        ("website", "javascript:alert(1)"),
        ("authority_url", "ftp://example.org"),
        ("time_zone", "Mars/Olympus"),
        ("recipients", "x" * 4001),
    ],
)
def test_a_fact_that_cannot_be_used_is_named_by_its_field(
    app: Flask, field: str, value: str
) -> None:
    with pytest.raises(Invalid) as caught:
        organisations.read_identity({"name": "Ada", field: value})
    assert list(caught.value.fields) == [field]


def test_every_field_fits_its_column(app: Flask) -> None:
    with unit_of_work():
        ada = organisations.create_organisation("Ada")
        longest = {
            name: "x" * (column.type.length or 4000)
            for name, column in organisations.Organisation.__table__.columns.items()
            if name in ("name", "legal_name", "street", "postcode", "city", "phone", "dpo_contact")
        }
        organisations.change_organisation(ada, organisations.read_identity(longest))


def test_changing_replaces_all_facts(app: Flask) -> None:
    ada = make_organisation()
    with unit_of_work():
        organisations.change_organisation(ada, replace(ADA, phone="+353 1 234", city="Cork"))
    assert (ada.phone, ada.city) == ("+353 1 234", "Cork")


def test_every_country_has_a_code_of_two_letters_and_a_name() -> None:
    assert len(organisations.COUNTRIES) == 249
    assert all(len(code) == 2 and code.isupper() for code in organisations.COUNTRIES)
    assert all(name and name == name.strip() for name in organisations.COUNTRIES.values())
