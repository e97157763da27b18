from __future__ import annotations

import pytest
from flask import Flask

from mailer import accounts
from mailer.accounts import Role
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import PASSWORD, make_account


def test_an_account_is_found_by_its_address_however_it_is_written(app: Flask) -> None:
    with unit_of_work():
        ada = accounts.create_account("Ada", "Ada@Books.Example", PASSWORD)
    assert accounts.find_account(" ada@books.EXAMPLE ") is ada
    assert accounts.find_account("ben@books.example") is None
    assert accounts.find_account("no address") is None


def test_one_address_has_one_account(app: Flask) -> None:
    make_account(make_organisation())
    with pytest.raises(Invalid) as caught, unit_of_work():
        accounts.create_account("Other", "ADA@books.example", PASSWORD)
    assert list(caught.value.fields) == ["address"]


def test_a_weak_password_is_refused_at_creation(app: Flask) -> None:
    with pytest.raises(Invalid) as caught, unit_of_work():
        accounts.create_account("Ada", "ada@books.example", "short")
    assert list(caught.value.fields) == ["password"]


def test_memberships_are_listed_by_name_without_ended_ones(app: Flask) -> None:
    books, plants = make_organisation(), make_organisation(DORA)
    ada = make_account(books)
    make_account(books, name="Ben")
    make_account(plants, role=Role.VIEWER)
    assert [one.name for _member, one in accounts.list_memberships(ada)] == [
        plants.name,
        books.name,
    ]
    with unit_of_work():
        accounts.end_membership(accounts.list_memberships(ada)[0][0])
    assert [one.name for _member, one in accounts.list_memberships(ada)] == [books.name]
