from __future__ import annotations

import pytest
from flask import Flask

from mailer import accounts
from mailer.accounts import Role, TeamMember
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotAllowed, NotFound
from mailer.organisations import Organisation
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import make_account


def member_named(organisation: Organisation, name: str) -> TeamMember:
    [found] = [one for one in accounts.list_members(organisation) if one.account.name == name]
    return found.member


def test_the_team_is_listed_by_name(app: Flask) -> None:
    books = make_organisation()
    make_account(books, name="Ben", role=Role.EDITOR)
    make_account(books)
    assert [one.account.name for one in accounts.list_members(books)] == ["Ada", "Ben"]
    ben = member_named(books, "Ben")
    assert accounts.get_member(books, ben.public_id).member is ben


def test_a_role_can_be_changed(app: Flask) -> None:
    books = make_organisation()
    make_account(books)
    make_account(books, name="Ben", role=Role.EDITOR)
    with unit_of_work():
        accounts.change_role(member_named(books, "Ben"), Role.PRIVACY_OFFICER)
    assert member_named(books, "Ben").role is Role.PRIVACY_OFFICER


def test_the_last_owner_can_be_neither_demoted_nor_removed(app: Flask) -> None:
    books = make_organisation()
    make_account(books)
    make_account(books, name="Ben", role=Role.EDITOR)
    ada = member_named(books, "Ada")
    with pytest.raises(NotAllowed, match="needs an owner"), unit_of_work():
        accounts.change_role(ada, Role.VIEWER)
    with pytest.raises(NotAllowed, match="needs an owner"), unit_of_work():
        accounts.end_membership(ada)
    with unit_of_work():
        accounts.change_role(member_named(books, "Ben"), Role.OWNER)
        accounts.end_membership(ada)
    assert [one.account.name for one in accounts.list_members(books)] == ["Ben"]


def test_an_owner_who_has_not_joined_does_not_count(app: Flask) -> None:
    books = make_organisation()
    ada = make_account(books)
    with unit_of_work():
        accounts.invite_member(books, ada, "Ben", "ben@books.example", Role.OWNER)
    with pytest.raises(NotAllowed), unit_of_work():
        accounts.end_membership(member_named(books, "Ada"))


def test_whoever_left_can_be_taken_on_again(app: Flask) -> None:
    books = make_organisation()
    make_account(books)
    ben = make_account(books, name="Ben", role=Role.EDITOR)
    with unit_of_work():
        accounts.end_membership(member_named(books, "Ben"))
    with unit_of_work():
        again = accounts.add_member(books, ben, Role.VIEWER)
    assert again.role is Role.VIEWER
    assert again.joined_at is not None
    assert again.ended_at is None


@pytest.mark.requirement("S-009")
def test_a_member_of_another_organisation_is_not_found(app: Flask) -> None:
    books = make_organisation()
    make_account(books)
    with pytest.raises(NotFound):
        accounts.get_member(make_organisation(DORA), member_named(books, "Ada").public_id)
