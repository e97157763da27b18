from __future__ import annotations

import pytest

from mailer.foundation.errors import Invalid
from mailer.transport import Envelope
from mailer.transport.envelopes import LONGEST_LINE


def envelope(*, key: str = "d1", body: bytes = b"Subject: x\r\n\r\nhi\r\n") -> Envelope:
    return Envelope(key=key, mail_from="a@b.test", rcpt_to="c@d.test", body=body)


def test_a_message_with_crlf_lines_is_taken() -> None:
    assert not envelope().has_dots


@pytest.mark.requirement("E-001")
@pytest.mark.parametrize(
    "body",
    [
        b"a\nb\r\n",
        b"a\rb\r\n",
        b"\n",
        b"\r",
        b"a\r\n\n",
        b"a\r\r\n",
        b"a\r\nb\r",
        b"a\r\n.\n",
        b"a\n.\r\n",
        b"a\r.\r\n",
    ],
)
def test_a_bare_cr_or_lf_cannot_become_an_envelope(body: bytes) -> None:
    with pytest.raises(Invalid):
        envelope(body=body)


@pytest.mark.requirement("E-001")
def test_a_line_has_at_most_998_octets() -> None:
    fits = b"x" * LONGEST_LINE + b"\r\n"
    envelope(body=b"short\r\n" + fits + fits)
    envelope(body=b"short\r\n" + fits[:-2])
    for body in (b"short\r\nx" + fits, b"x" + fits + fits, b"x" + fits[:-2], fits + b"x" + fits):
        with pytest.raises(Invalid):
            envelope(body=body)


def test_a_mail_without_a_body_is_none() -> None:
    with pytest.raises(Invalid):
        envelope(body=b"")


@pytest.mark.parametrize("key", ["", "a b", "d1\n", "d_1", "é", "x" * 65])
def test_a_key_holds_letters_digits_and_hyphens_only(key: str) -> None:
    with pytest.raises(Invalid):
        envelope(key=key)


@pytest.mark.parametrize(
    ("body", "dots"),
    [
        (b".\r\n", True),
        (b"a\r\n.\r\nb\r\n", True),
        (b"a\r\n.b", True),
        (b"a\r\nb.\r\n", False),
        (b"a.\r\n\r\n", False),
    ],
)
def test_leading_dots_are_noticed(body: bytes, dots: bool) -> None:
    assert envelope(body=body).has_dots is dots
