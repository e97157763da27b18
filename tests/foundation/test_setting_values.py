from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation import setting_values


def test_text_is_trimmed_and_typed() -> None:
    assert setting_values.text(" ada ") == "ada"
    assert setting_values.name(" relay ") == "relay"
    assert setting_values.whole(1, 9)(" 7 ") == 7
    assert setting_values.choice("a", "b")(" b ") == "b"
    assert setting_values.directory("var") == Path.cwd() / "var"
    assert setting_values.url("https://News.example.org/") == "https://news.example.org"


@given(st.text())
def test_whatever_is_given_becomes_a_value_or_one_sentence(text: str) -> None:
    readers = (
        setting_values.text,
        setting_values.name,
        setting_values.url,
        setting_values.database_url,
        setting_values.redis_url,
        setting_values.secret,
        setting_values.secrets,
        setting_values.whole(0, 5),
        setting_values.choice("a"),
    )
    for read in readers:
        try:
            read(text)
        except ValueError as error:
            assert len(str(error)) > 10


def test_a_home_directory_is_found() -> None:
    assert setting_values.directory("~/mailer") == Path.home() / "mailer"


def test_the_advice_makes_a_secret_that_is_taken() -> None:
    with pytest.raises(ValueError, match="token_urlsafe") as caught:
        setting_values.secret("short")
    assert "secrets.token_urlsafe(48)" in str(caught.value)
    made = secrets.token_urlsafe(48)
    assert setting_values.secret(made) == made


def test_several_secrets_keep_their_order() -> None:
    newest, oldest = secrets.token_urlsafe(48), secrets.token_hex(32)
    assert setting_values.secrets(f" {newest} ,, {oldest}, ") == (newest, oldest)
