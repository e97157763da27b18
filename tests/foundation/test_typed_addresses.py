from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.foundation.settings import Settings
from mailer.foundation.typed_addresses import (
    Correction,
    describe_corrections,
    read_typed_address,
)

_C = Correction


@pytest.mark.parametrize(
    ("text", "given", "corrections"),
    [
        ("dora@sea.example", "dora@sea.example", ()),
        ("\t dora@sea.example\u00a0\u3000", "dora@sea.example", ()),
        ("dora@sea.example\u200b", "dora@sea.example", (_C.HIDDEN,)),
        ("\ufeffdora@sea.example", "dora@sea.example", (_C.HIDDEN,)),
        ("do\u00adra@se\u2060a.example\ufe0f", "dora@sea.example", (_C.HIDDEN,)),
        ("\u202adora@sea.example\u202c", "dora@sea.example", (_C.HIDDEN,)),
        ("dora@sea.example\x00", "dora@sea.example", (_C.HIDDEN,)),
        ("mailto:dora@sea.example", "dora@sea.example", (_C.MAILTO,)),
        ("MailTo:dora%2Bx@sea.example?subject=Hi", "dora+x@sea.example", (_C.MAILTO,)),
        ("Dora Sea <dora@sea.example>", "dora@sea.example", (_C.NAME,)),
        ('"Sea, Dora" <dora@sea.example>;', "dora@sea.example", (_C.NAME,)),
        ('"Dora <dora@sea.example>"', "dora@sea.example", (_C.NAME, _C.QUOTES)),
        ("dora@sea.example <Dora@sea.example>", "Dora@sea.example", (_C.NAME,)),
        ("Dora <mailto:dora@sea.example>", "dora@sea.example", (_C.MAILTO, _C.NAME)),
        ("<dora@sea.example>", "dora@sea.example", (_C.QUOTES,)),
        ("'dora@sea.example'", "dora@sea.example", (_C.QUOTES,)),
        ("„dora@sea.example“", "dora@sea.example", (_C.QUOTES,)),
        ('"dora"@sea.example', "dora@sea.example", (_C.QUOTES,)),
        ("dora@sea.example.", "dora@sea.example", (_C.END,)),
        ("dora@sea.example;", "dora@sea.example", (_C.END,)),
        (", dora@sea.example,", "dora@sea.example", (_C.END,)),
        ("dora@sea.example.\u200e", "dora@sea.example", (_C.HIDDEN, _C.END)),
        ("dora\uff20sea.example", "dora@sea.example", (_C.FULL_WIDTH,)),
        ("ｄｏｒａ＠ｓｅａ．ｅｘａｍｐｌｅ", "dora@sea.example", (_C.FULL_WIDTH,)),
        ("dora@sea\u3002example", "dora@sea.example", (_C.FULL_WIDTH,)),
        ("dora&#64;sea.example", "dora@sea.example", (_C.ENTITY,)),
        ("&lt;dora@sea.example&gt;", "dora@sea.example", (_C.ENTITY, _C.QUOTES)),
        ("dora@sea.example&nbsp;", "dora@sea.example", (_C.ENTITY,)),
        ("o&#39;hara@sea.example", "o'hara@sea.example", (_C.ENTITY,)),
        ("dora@sea.example%20", "dora@sea.example", (_C.PERCENT,)),
        ("%20dora@sea.example", "dora@sea.example", (_C.PERCENT,)),
        ("dora%40sea.example", "dora@sea.example", (_C.PERCENT,)),
        ("%3Cdora@sea.example%3E", "dora@sea.example", (_C.PERCENT, _C.QUOTES)),
        ("mailto%3Adora@sea.example", "dora@sea.example", (_C.MAILTO, _C.PERCENT)),
        ("Dora%20%3Cdora@sea.example%3E", "dora@sea.example", (_C.PERCENT, _C.NAME)),
        ("o'hara@sea.example", "o'hara@sea.example", ()),
        ("dora%2Bx@sea.example", "dora%2Bx@sea.example", ()),
        ("a&b#c@sea.example", "a&b#c@sea.example", ()),
        ("dörte@sea.example", "dörte@sea.example", ()),
    ],
)
def test_what_people_paste_is_read_as_the_address_inside(
    bare: Settings, text: str, given: str, corrections: tuple[Correction, ...]
) -> None:
    read = read_typed_address(text)
    assert (read.address.given, read.corrections, read.typed) == (given, corrections, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("do\u202era@sea.example", "a hidden character after “do”"),
        ("dora@sea.ex\u200eample", "a hidden character after “.ex”"),
        ("do\x07ra@sea.example", "a hidden character after “do”"),
        ("dora@sea.example\u200b\u202ex", "a hidden character after “.example”"),
        ("dora sea@sea.example", "a space after “dora”"),
        ("dora\u00a0@sea.example", "a space after “dora”"),
        ("dora%20@sea.example", "a space after “dora”"),
        ("dora@sea\n.example", "a line break after “@sea”"),
        ("dora@sea,example", "a comma after “@sea”"),
        ("dora@sea.example?subject=Hi", "a “?” after “.example”"),
        ("do(ra@sea.example", "a “(” after “do”"),
        (".dora@sea.example", "a dot too many before “dora”"),
        ("dora.@sea.example", "a dot too many after “dora”"),
        ("dora@.sea.example", "a dot too many after “@”"),
        ("dora@sea..example", "a dot too many after “@sea”"),
        ("dora@sea", "An ending such as .org is missing after “@sea”"),
        ("dora@sea.example, eva@sea.example", "one e-mail address"),
        ("Dora <dora@sea.example> <eva@sea.example>", "one e-mail address"),
        ("eva@sea.example <dora@sea.example>", "one e-mail address"),
        ("mailto:dora@sea.example,eva@sea.example", "one e-mail address"),
        ("dora", "does not look like an e-mail address"),
        ("dora@", "does not look like an e-mail address"),
        ("dora@@sea.example", "does not look like an e-mail address"),
        ("dora@\ud800.example", "a character that cannot be written"),
        ("\u200b \ufeff", "Please give your e-mail address"),
        ("d" * 100_000 + "@sea.example", "one e-mail address"),
    ],
)
def test_what_may_mean_two_things_is_named_with_its_place(
    bare: Settings, text: str, told: str
) -> None:
    with pytest.raises(Invalid) as raised:
        read_typed_address(text)
    assert told in str(raised.value)


_PIECES = st.sampled_from(
    [
        *list("a@.<>\"',;:%() \u200b\u202e＠&#"),
        "mailto:",
        "sea.example",
        "&lt;",
        "%40",
        "%20",
        "Dora",
    ]
)


@given(st.lists(_PIECES, max_size=14).map("".join) | st.text(max_size=60))
@hypothesis_settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_reading_joins_or_invents_anything(bare: Settings, text: str) -> None:
    try:
        read = read_typed_address(text)
    except Invalid:
        return
    assert read_typed_address(read.address.given).address == read.address
    if text.isascii() and "%" not in text and "&" not in text:
        assert read.address.given.partition("@")[0] in text


def test_a_correction_is_told_in_one_sentence() -> None:
    assert describe_corrections(()) == ""
    assert describe_corrections((_C.NAME, _C.END)) == (
        "The address was read with a correction: the name beside the address was left out and "
        "punctuation around the address was left out."
    )
