from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from flask import Flask

from mailer import accounts
from mailer.accounts import Account
from mailer.accounts.attempts import ATTEMPTS_PER_ADDRESS, ATTEMPTS_PER_NETWORK
from mailer.devkit.embedded_redis import EmbeddedRedis
from mailer.foundation import tokens
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, TooMany
from mailer.foundation.paging import Cursor
from tests.support.factories import make_organisation
from tests.support.make_accounts import PASSWORD, make_account


@pytest.fixture
def ada(app: Flask) -> Account:
    return make_account(make_organisation())


@pytest.mark.requirement("S-006")
def test_signing_in_gives_a_token_that_is_kept_as_a_digest_only(ada: Account) -> None:
    with unit_of_work():
        token, session = accounts.sign_in("ada@books.example", PASSWORD, "Firefox")
    assert len(token) >= 43
    assert session.token_digest == tokens.digest(token)
    found = accounts.session_of(token)
    assert found is not None
    assert (found.account, found.session) == (ada, session)


@pytest.mark.requirement("S-004")
@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("ada@books.example", "the wrong password"),
        ("nobody@books.example", PASSWORD),
        ("no address at all", PASSWORD),
        ("ada@books.example", ""),
        ("", ""),
        ("ada\x00@books.example", "\x00"),
    ],
)
def test_whatever_was_wrong_the_answer_is_the_same(
    ada: Account, address: str, password: str
) -> None:
    with pytest.raises(Invalid, match="do not belong together") as caught:
        accounts.authenticate(address, password)
    assert caught.value.fields == {}


@pytest.mark.requirement("S-004")
def test_attempts_are_limited_per_address(redis_server: EmbeddedRedis, ada: Account) -> None:
    for _ in range(ATTEMPTS_PER_ADDRESS):
        with pytest.raises(Invalid):
            accounts.authenticate("ada@books.example", "the wrong password")
    with pytest.raises(TooMany) as caught:
        accounts.authenticate("ADA@books.example", PASSWORD)
    assert caught.value.retry_after > 0


@pytest.mark.requirement("S-004")
def test_attempts_are_limited_per_network(redis_server: EmbeddedRedis, ada: Account) -> None:
    for number in range(ATTEMPTS_PER_NETWORK):
        with pytest.raises(Invalid):
            accounts.authenticate(f"{number}@books.example", "x", network="192.0.2.7")
    with pytest.raises(TooMany):
        accounts.authenticate("ada@books.example", PASSWORD, network="192.0.2.7")
    assert accounts.authenticate("ada@books.example", PASSWORD, network="192.0.2.8").account is ada


@pytest.mark.requirement("S-004")
def test_attempts_are_limited_without_redis_too(ada: Account) -> None:
    refusals = 0
    for _ in range(ATTEMPTS_PER_ADDRESS + 1):
        try:
            accounts.authenticate("ada@books.example", "the wrong password")
        except TooMany:
            refusals += 1
        except Invalid:
            pass
    assert refusals


def test_an_outdated_hash_is_renewed_at_sign_in(ada: Account) -> None:
    with unit_of_work():
        ada.password_hash = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    with unit_of_work():
        accounts.sign_in("ada@books.example", PASSWORD, "")
    assert "m=19456,t=3,p=1" in (ada.password_hash or "")
    assert accounts.authenticate("ada@books.example", PASSWORD).renewed_hash is None


def test_an_account_that_works_for_nobody_cannot_sign_in(app: Flask) -> None:
    with unit_of_work():
        accounts.create_account("Eve", "eve@books.example", PASSWORD)
    with pytest.raises(NotAllowed, match="no organisation"), unit_of_work():
        accounts.sign_in("eve@books.example", PASSWORD, "")


@pytest.mark.requirement("S-006")
def test_a_new_password_ends_every_other_session(ada: Account) -> None:
    with unit_of_work():
        here, session = accounts.sign_in("ada@books.example", PASSWORD, "here")
        elsewhere, _other = accounts.sign_in("ada@books.example", PASSWORD, "elsewhere")
    with unit_of_work():
        accounts.change_password(session, PASSWORD, "another bookshop by the sea")
    assert accounts.session_of(here) is not None
    assert accounts.session_of(elsewhere) is None
    assert accounts.authenticate("ada@books.example", "another bookshop by the sea").account is ada
    with pytest.raises(Invalid):
        accounts.authenticate("ada@books.example", PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong one here", "another bookshop by the sea", "current"), (PASSWORD, "short", "password")],
)
def test_a_password_is_changed_only_by_who_knows_it_and_to_a_good_one(
    ada: Account, current: str, new: str, field: str
) -> None:
    with unit_of_work():
        _token, session = accounts.sign_in("ada@books.example", PASSWORD, "")
    with pytest.raises(Invalid) as caught, unit_of_work():
        accounts.change_password(session, current, new)
    assert list(caught.value.fields) == [field]


def test_an_operator_can_set_a_password_and_every_session_ends(ada: Account) -> None:
    with unit_of_work():
        token, _session = accounts.sign_in("ada@books.example", PASSWORD, "")
    with unit_of_work():
        accounts.set_password(ada, "another bookshop by the sea")
    assert accounts.session_of(token) is None
    assert accounts.authenticate("ada@books.example", "another bookshop by the sea").account is ada
    with pytest.raises(Invalid), unit_of_work():
        accounts.set_password(ada, "short")


@pytest.mark.requirement("S-010")
def test_a_refused_sign_in_is_on_record_without_the_address(ada: Account) -> None:
    organisation = accounts.list_memberships(ada)[0][1]
    with unit_of_work():
        accounts.note_refused_sign_in("ada@books.example")
        accounts.note_refused_sign_in("unknown@books.example")
    [line] = accounts.list_audit(organisation, Cursor()).rows
    assert (line.who, line.entry.action) == ("Ada", "was refused a sign-in")
    assert "@" not in line.entry.subject + str(line.entry.details)
