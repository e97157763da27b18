from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from mailer.accounts.passwords import check_new_password, hash_password, is_outdated, is_right
from mailer.foundation.errors import Invalid


@pytest.mark.requirement("S-004")
def test_a_password_fits_its_own_hash_only() -> None:
    kept = hash_password("a bookshop by the river")
    assert kept.startswith("$argon2id$")
    assert is_right("a bookshop by the river", kept)
    assert not is_right("a bookshop by the sea", kept)


@pytest.mark.requirement("S-004")
@pytest.mark.parametrize(
    "password",
    [
        "short words",
        "x" * 129,
        "passwordpassword",
        "PasswordPassword",
        "aaaaaaaaaaaa",
        "123456789012",
        "ababababababab",
    ],
)
def test_short_long_and_common_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_new_password(password)
    assert list(caught.value.fields) == ["password"]


@pytest.mark.requirement("S-004")
@pytest.mark.parametrize(
    "password", ["twelve chars", "four words in lower case", "žluťoučký kůň", "x1" * 62 + "yzab"]
)
def test_length_is_all_that_is_asked_of_a_password(password: str) -> None:
    check_new_password(password)


def test_the_same_letters_in_another_unicode_form_fit() -> None:
    assert is_right("ko\u0308nigin der nacht", hash_password("k\u00f6nigin der nacht"))


def test_characters_that_cannot_be_encoded_do_not_fit_and_do_not_break() -> None:
    assert not is_right("half a pair \ud800 here", hash_password("a bookshop by the river"))
    assert not is_right("\x00" * 20, hash_password("a bookshop by the river"))


def test_nothing_fits_where_there_is_no_hash_or_a_damaged_one() -> None:
    assert not is_right("the password of nobody at all", None)
    assert not is_right("whatever it may be", "not a hash")


def test_a_hash_with_other_parameters_is_outdated() -> None:
    assert not is_outdated(hash_password("a bookshop by the river"))
    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8192).hash("x"))
