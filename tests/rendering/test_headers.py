from __future__ import annotations

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.rendering.headers import (
    address_header,
    encoded_words,
    structured_header,
    text_header,
    wire_address,
)


def test_plain_text_stays_plain() -> None:
    assert text_header("Subject", "News of today") == b"Subject: News of today\r\n"
    assert text_header("Subject", "") == b"Subject:\r\n"


@pytest.mark.requirement("E-004")
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(20, 75))
def test_encoded_words_are_short_and_decode_to_the_text(text: str, first: int) -> None:
    words = encoded_words(text, first)
    assert all(len(word) <= 75 for word in words)
    for word in words:
        [(raw, charset)] = decode_header(word)
        assert isinstance(raw, bytes)
        assert raw.decode(charset or "ascii")
    assert str(make_header(decode_header(" ".join(words)))) == text


def test_the_shorter_encoding_is_chosen() -> None:
    assert encoded_words("Café au lait")[0].startswith("=?utf-8?q?")
    assert encoded_words("Привет, мир")[0].startswith("=?utf-8?b?")


def test_a_name_with_specials_is_quoted() -> None:
    assert (
        address_header("To", 'Doe, "J"', "j@x.example") == b'To: "Doe, \\"J\\"" <j@x.example>\r\n'
    )
    assert address_header("To", None, "j@x.example") == b"To: j@x.example\r\n"


def test_a_structured_field_is_folded_where_blanks_stand() -> None:
    value = f"<https://x.example/{'a' * 60}>, <mailto:{'b' * 40}@x.example>"
    assert structured_header("List-Unsubscribe", value).decode() == (
        f"List-Unsubscribe: <https://x.example/{'a' * 60}>,\r\n <mailto:{'b' * 40}@x.example>\r\n"
    )


def test_a_line_beyond_the_limit_is_refused() -> None:
    assert len(structured_header("X-Long", "a" * 990)) == 1000
    with pytest.raises(Invalid):
        structured_header("X-Long", "a" * 991)


def test_an_address_keeps_its_local_part_and_its_ascii_domain() -> None:
    assert wire_address("To", "First.Last+tag@X.Example") == "First.Last+tag@X.Example"
