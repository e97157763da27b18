"""Signatures as an independent verifier sees them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache

import dkim
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.foundation.clock import now
from mailer.foundation.mail_keys import new_ed25519_key, new_rsa_key, signing_function
from mailer.rendering import ED25519, RSA, Sealer, Signer, compose
from mailer.rendering.dkim import LIFE_SECONDS, relaxed_body
from tests.rendering.sample import make_content
from tests.rendering.spliced import make_addressee, make_skeleton
from tests.rendering.test_mime import LINE, make_mail
from tests.rendering.test_splicing import TEMPLATES

KINDS = [(RSA,), (ED25519,), (RSA, ED25519)]
MOMENT = now()  # a verifier refuses signatures that are too old
SIGNED_AT = int(MOMENT.timestamp())
STRANGE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from(" .=\n"),
    max_size=300,
)


@cache
def keys(kind: str) -> tuple[bytes, str]:
    return new_rsa_key() if kind == RSA else new_ed25519_key()


@cache
def make_sealer(kinds: tuple[str, ...]) -> Sealer:
    return Sealer(
        [
            Signer(
                domain="bakery.example",
                selector=f"s{number}",
                algorithm=kind,
                sign=signing_function(keys(kind)[0]),
            )
            for number, kind in enumerate(kinds)
        ]
    )


def records(kinds: tuple[str, ...]) -> Callable[..., bytes | None]:
    known = {
        f"s{number}._domainkey.bakery.example.": (
            f"v=DKIM1; k={'rsa' if kind == RSA else 'ed25519'}; p={keys(kind)[1]}"
        ).encode()
        for number, kind in enumerate(kinds)
    }

    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        return known.get(name.decode())

    return ask


def is_signed(raw: bytes, kinds: tuple[str, ...]) -> bool:
    """Whether each signature holds."""
    verifier = dkim.DKIM(raw)
    try:
        return all(verifier.verify(idx=one, dnsfunc=records(kinds)) for one in range(len(kinds)))
    except dkim.ValidationError:
        return False


@pytest.mark.requirement("E-040")
@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("is_counted", [False, True], ids=["clean", "counted"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_spliced_mails_verify(template: str, is_counted: bool, kinds: tuple[str, ...]) -> None:
    skeleton = make_skeleton(TEMPLATES[template], make_sealer(kinds), is_counted=is_counted)
    dice = random.Random(template)
    for number in range(60):
        word = "".join(dice.choices(" .=é👩\r\n\tabcFrom ", k=dice.randrange(60)))
        line = f"A{word}".replace("\r", "").replace("\n", "")
        city = word if template == "html" else line
        contact = {"first_name": line, "city": city, "age": number, "tags": ["a", line]}
        who = make_addressee(line, number, is_counted=is_counted, **contact)
        raw = skeleton.compose(who, MOMENT)
        assert is_signed(raw, kinds)


@pytest.mark.requirement("E-041")
@settings(max_examples=300, deadline=None)
@given(subject=LINE, name=LINE, text=STRANGE, html=STRANGE | st.none())
@example(subject="two  blanks \t", name="", text="a\n\n\n\n", html=None)
@example(subject="x" * 200, name="é" * 100, text=".\n. \n", html="\n\n")
def test_whole_mails_verify(subject: str, name: str, text: str, html: str | None) -> None:
    kinds = (RSA, ED25519)
    raw = compose(make_mail(subject=subject, to_name=name, text=f"{text}\nx\n\n", html=html))
    assert is_signed(make_sealer(kinds).seal(raw, SIGNED_AT), kinds)


@pytest.mark.requirement("E-021")
@pytest.mark.requirement("E-041")
def test_all_fields_are_signed_and_forged_ones_cannot_be_added() -> None:
    kinds = (RSA,)
    raw = make_skeleton(TEMPLATES["names"], make_sealer(kinds)).compose(
        make_addressee(first_name="Cleo"), MOMENT
    )
    signature = re.sub(rb"\r\n[ \t]+", b" ", raw.partition(b"\r\nFrom:")[0])
    tags = dict(one.strip().split(b"=", 1) for one in signature.partition(b":")[2].split(b";"))
    assert tags[b"d"] == b"bakery.example"
    assert tags[b"c"] == b"relaxed/relaxed"
    assert int(tags[b"t"]) == SIGNED_AT
    assert int(tags[b"x"]) == SIGNED_AT + LIFE_SECONDS
    assert b"l" not in tags
    signed = [name.strip().lower() for name in tags[b"h"].split(b":")]
    for name in (b"from", b"to", b"subject", b"date", b"reply-to"):
        assert signed.count(name) == 2
    for name in (
        *(b"message-id", b"mime-version", b"content-type", b"list-id", b"list-unsubscribe"),
        *(b"list-unsubscribe-post", b"cc"),
    ):
        assert signed.count(name) == 1
    for forged in (
        b"From: x@evil.example",
        b"Subject: x",
        b"Reply-To: x@evil.example",
        b"Cc: x@y.z",
    ):
        assert not is_signed(forged + b"\r\n" + raw, kinds)
    for old, new in (
        (b"Hello", b"Hallo"),
        (b"List-Unsubscribe: <https://mail", b"List-Unsubscribe: <https://evil"),
    ):
        assert old in raw
        assert not is_signed(raw.replace(old, new, 1), kinds)


def test_a_mail_of_the_slower_way_is_signed_too() -> None:
    kinds = (RSA, ED25519)
    content = make_content("{{ campaign.unsubscribe_url | upper }}", footer=True)
    skeleton = make_skeleton(content, make_sealer(kinds))
    assert skeleton.slow_because
    assert is_signed(skeleton.compose(make_addressee(), MOMENT), kinds)


@pytest.mark.requirement("E-003")
def test_a_signature_is_folded_and_holds_no_encoded_word() -> None:
    head = make_sealer((RSA, ED25519)).seal(compose(make_mail()), SIGNED_AT).partition(b"From: ")[0]
    assert head.count(b"DKIM-Signature: ") == 2
    assert b"=?" not in head
    assert all(len(line) <= 76 for line in head.split(b"\r\n"))


@settings(max_examples=300)
@given(st.binary(max_size=40) | st.text(" \t\r\nab", max_size=40).map(str.encode))
@example(b"a \t b\t\r\n \r\n")
@example(b" ")
@example(b"\r\n")
@example(b"a\r\nb")
def test_a_body_is_made_canonical_as_the_standard_says(body: bytes) -> None:
    body = re.sub(rb"\r(?!\n)|(?<!\r)\n", b"", body) + b"\r\n"
    assert relaxed_body(body) == dkim.canonicalization.Relaxed.canonicalize_body(body)
