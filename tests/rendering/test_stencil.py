"""A filled stencil is, byte for byte, the mail that composing would have written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.rendering import Letter, Mail, Stencil, compose, render_letter

# Tokens have their dots at places of their own: no line may begin with one.
TOKEN = st.text("ABCXYZabcxyz0189-_~", min_size=90, max_size=90)
LOCAL = st.text("abcxyz0189.+", min_size=1, max_size=60).filter(
    lambda text: ".." not in text and not text.startswith(".") and not text.endswith(".")
)
MOMENT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SAMPLE = "A" * 40 + "-b" * 25


def mail(
    first: str, second: str, *, to: str = "cleo@example.org", number: int = 0, days: int = 0
) -> Mail:
    rendered = render_letter(
        Letter(
            subject="Please confirm: Grüße aus dem Laden",
            paragraphs=("Somebody, probably you, asked us.", "If it was you, confirm."),
            action=("Confirm", f"https://news.example.org/c/{first}"),
            after=("If not, do nothing.",),
            secondary=("I did not ask for this", f"https://news.example.org/n/{second}"),
            imprint="Harbour Books Ltd\n12 Custom House Quay",
            language="en",
        )
    )
    return Mail(
        from_name="Harbour Books",
        from_address="letters@books.example",
        to_address=to,
        to_name=None,
        reply_to=None,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id=f"{number:032x}@books.example",
        date=MOMENT + timedelta(days=days),
        headers=(("Auto-Submitted", "auto-generated"),),
    )


STENCIL = Stencil(mail(SAMPLE, SAMPLE[::-1]), {"first": SAMPLE, "second": SAMPLE[::-1]})


@given(TOKEN, TOKEN, LOCAL, st.integers(0, 2**120), st.integers(0, 500))
def test_filling_in_writes_what_composing_writes(
    first: str, second: str, local: str, number: int, days: int
) -> None:
    wanted = mail(first, second, to=f"{local}@example.org", number=number, days=days)
    filled = STENCIL.fill(
        {"first": first, "second": second},
        to_address=wanted.to_address,
        message_id=wanted.message_id,
        date=wanted.date,
    )
    assert filled is not None
    assert filled == compose(wanted)


def test_a_value_of_another_width_is_left_to_composing() -> None:
    given_values = {"first": SAMPLE + "x", "second": SAMPLE}
    plain = mail(SAMPLE, SAMPLE)
    assert (
        STENCIL.fill(
            given_values,
            to_address=plain.to_address,
            message_id=plain.message_id,
            date=plain.date,
        )
        is None
    )


def test_what_does_not_stand_in_the_letter_cannot_be_a_hole() -> None:
    with pytest.raises(Invalid, match="does not hold"):
        Stencil(mail(SAMPLE, SAMPLE), {"first": "elsewhere"})
    with pytest.raises(Invalid, match="cannot be filled in"):
        Stencil(mail(SAMPLE, SAMPLE), {"first": "a b"})


@pytest.mark.requirement("E-005")
def test_an_address_that_would_start_a_new_header_is_refused() -> None:
    plain = replace(mail(SAMPLE, SAMPLE), to_address="a@example.org\r\nBcc: b@example.org")
    with pytest.raises(Invalid):
        STENCIL.fill(
            {"first": SAMPLE, "second": SAMPLE},
            to_address=plain.to_address,
            message_id=plain.message_id,
            date=plain.date,
        )
