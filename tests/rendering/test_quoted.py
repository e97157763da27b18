from __future__ import annotations

import quopri
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.rendering.quoted import encode_piece, encode_text

BODY = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
AWKWARD = st.text(st.sampled_from("=. \t\n\rFrom é-"), max_size=300)


def decoded(raw: bytes) -> str:
    return quopri.decodestring(raw).decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def assert_settled(raw: bytes) -> None:
    assert raw.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert b"  " not in line
        assert b"\t" not in line
        assert not line.endswith(b" ")


@pytest.mark.requirement("E-001")
@settings(max_examples=300, deadline=None)
@given(BODY | AWKWARD)
@example("." * 500)
@example("=" * 500)
@example("x" * 75 + ".")
@example("x" * 75 + "From here")
@example("x" * 76)
@example("x" * 77 + "\n" + "y" * 76)
@example("From me\n From\n.\n..\n")
def test_a_body_comes_back_and_needs_nothing_on_the_way(text: str) -> None:
    raw = encode_text(text)
    assert_settled(raw)
    assert decoded(raw) == plain(text)


@pytest.mark.requirement("E-001")
@settings(max_examples=300, deadline=None)
@given(st.lists(BODY | AWKWARD, max_size=5))
@example(["x" * 75, "." * 80, "", "From ", "\n", " ", "=" * 25, "x" * 76])
@example(["x" * 74 + ".", "x" * 76, "é" * 13, "\t\t"])
def test_pieces_stand_next_to_each_other(texts: list[str]) -> None:
    pieces = [encode_piece(text) for text in texts]
    assert all(piece == b"" or piece.endswith(b"\r\n") for piece in pieces)
    raw = b"".join(pieces)
    assert_settled(raw)
    assert decoded(raw) == "".join(map(plain, texts))


def test_a_long_word_is_folded_in_time_that_grows_with_its_length() -> None:
    assert decoded(encode_piece("ü" * 200_000)) == "ü" * 200_000
