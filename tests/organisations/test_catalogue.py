from __future__ import annotations

import pytest
from flask import Flask

from mailer import organisations
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotFound
from tests.support.factories import DORA, make_organisation


def test_an_organisation_is_found_by_either_id(app: Flask) -> None:
    ada = make_organisation()
    assert organisations.get_organisation(ada.public_id) is ada
    assert organisations.get_organisation_by_id(ada.id) is ada
    assert organisations.list_organisations() == [ada]


def test_facts_can_be_given_at_once(app: Flask) -> None:
    with unit_of_work():
        ada = organisations.create_organisation("Ada", city="Cork", country="IE")
    assert (ada.city, ada.country) == ("Cork", "IE")


def test_facts_are_checked_on_creation_too(app: Flask) -> None:
    with pytest.raises(Invalid), unit_of_work():
        organisations.create_organisation("Ada", country="Ireland")


def test_what_does_not_exist_is_not_found(app: Flask) -> None:
    make_organisation(DORA)
    with pytest.raises(NotFound):
        organisations.get_organisation("org_unknown")
    with pytest.raises(NotFound):
        organisations.get_organisation_by_id(99)
