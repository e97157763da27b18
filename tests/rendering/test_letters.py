from __future__ import annotations

import pytest

from mailer import rendering
from mailer.foundation.errors import Invalid
from mailer.rendering import Letter

URL = "https://mail.example/confirm/" + "Ab-_9" * 50


def make_letter(**changes: object) -> Letter:
    given = {
        "subject": "Please confirm your subscription",
        "greeting": "Hello,",
        "paragraphs": ("Somebody asked Bakery Ltd to send its letter to this address.",),
        "action": ("Confirm my subscription", URL),
        "after": ("If it was not you, ignore this mail.",),
        "secondary": ("Send me no further mail", "https://mail.example/block/x?a=1&b=2"),
        "imprint": "Bakery Ltd\n1 High Street",
        "language": "en",
        **changes,
    }
    return Letter(**given)  # type: ignore[arg-type]  # the fields as the test changes them


def test_a_letter_is_plain_text_first() -> None:
    rendered = rendering.render_letter(make_letter())
    assert rendered.subject == "Please confirm your subscription"
    assert rendered.text == (
        "Hello,\n\nSomebody asked Bakery Ltd to send its letter to this address.\n\n"
        f"Confirm my subscription:\n{URL}\n\nIf it was not you, ignore this mail.\n\n"
        "Send me no further mail:\nhttps://mail.example/block/x?a=1&b=2\n\n"
        f"{'-' * 40}\n\nBakery Ltd\n1 High Street\n"
    )


@pytest.mark.requirement("C-021")
def test_a_letter_holds_nothing_but_what_it_was_given() -> None:
    html = rendering.render_letter(make_letter()).html
    assert "<img" not in html
    assert html.count("<a ") == 2
    assert html.count("https://") == 3
    assert f'<a href="{URL}"' in html
    assert f">{URL}</p>" in html
    assert html.count("<h1") == 1
    assert html.startswith('<!DOCTYPE html>\n<html lang="en" dir="ltr">')


def test_a_letter_may_be_without_links() -> None:
    rendered = rendering.render_letter(make_letter(action=None, secondary=None, greeting=None))
    assert "<a" not in rendered.html
    assert rendered.text.startswith("Somebody")


@pytest.mark.requirement("S-062")
def test_what_a_letter_says_is_never_markup() -> None:
    hostile = "<script>alert(1)</script> & \"'"
    letter = make_letter(
        subject=hostile,
        greeting=hostile,
        paragraphs=(hostile,),
        action=(hostile, URL),
        imprint=hostile,
    )
    rendered = rendering.render_letter(letter)
    assert "<script" not in rendered.html
    assert rendered.subject == hostile
    assert rendered.text.count(hostile) == 4


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "/confirm", "https://", "https://a b/", 'https://a"/']
)
def test_a_letter_links_to_complete_web_addresses_only(url: str) -> None:
    for field in ("action", "secondary"):
        with pytest.raises(Invalid) as caught:
            rendering.render_letter(make_letter(**{field: ("Go", url)}))
        assert list(caught.value.fields) == [field]


@pytest.mark.requirement("E-005")
def test_a_line_end_in_the_subject_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        rendering.render_letter(make_letter(subject="a\r\nBcc: b@example.org"))
    assert list(caught.value.fields) == ["subject"]
