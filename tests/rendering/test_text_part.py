from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.rendering.text_part import wrap
from tests.rendering.sample import make_values, render


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("One\ntwo\n\nthree", "One two\n\nthree\n"),
        ("One  \ntwo", "One\ntwo\n"),
        ("# A\n\n## B\n\nc", "A\n-\n\nB\n\nc\n"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c\n"),
        ("- a\n\n  more\n- b", "- a\n\n  more\n\n- b\n"),
        ("3. a\n4. b", "3.  a\n4.  b\n"),
        ("> a\n>\n> b", "> a\n>\n> b\n"),
        ("a\n\n---\n\nb", f"a\n\n{'-' * 40}\n\nb\n"),
        ("**a** *b* `c` ~~d~~", "a b c d\n"),
        ("```\na  b\n  c\n```", "a  b\n  c\n"),
        ("| A | B |\n|---|---|\n| 1 | **2** |", "A | B\n1 | 2\n"),
        ("![A loaf](https://x.example/a.png)", "[A loaf]\n"),
        ("![](https://x.example/a.png) b", "b\n"),
    ],
)
def test_each_kind_of_markdown_has_its_plain_form(body: str, expected: str) -> None:
    assert render(body).text == expected


@pytest.mark.requirement("A-015")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a [b](https://x.example/) c", "a b <https://x.example/> c\n"),
        ("[b](https://x.example/)", "b: https://x.example/\n"),
        ("- [b](https://x.example/)", "- b: https://x.example/\n"),
        ("<https://x.example/>", "https://x.example/\n"),
        ("a [x@y.example](mailto:x@y.example)", "a x@y.example\n"),
        ("a [b](mailto:x@y.example)", "a b <x@y.example>\n"),
        ("[![A](https://x.example/a.png)](https://x.example/)", "[A]: https://x.example/\n"),
        ("[![](https://x.example/a.png)](https://x.example/)", "https://x.example/\n"),
        (
            "[{{ campaign.unsubscribe_url }}]({{ campaign.unsubscribe_url }})",
            "https://mail.example/u/token?a=1&b=2\n",
        ),
        ("[Stop]({{ campaign.unsubscribe_url }})", "Stop: https://mail.example/u/token?a=1&b=2\n"),
    ],
)
def test_every_link_shows_its_address(body: str, expected: str) -> None:
    assert render(body).text == expected


def test_html_has_its_plain_form_too() -> None:
    body = (
        '<div>Hello<p>World &amp; all</p></div><table role="presentation"><tr><td><p>left</p></td>'
        "<td>right<br>below</td></tr></table><ol start=2><li><p>a</p><li>b</ol><center>c</center>"
    )
    assert render(body, html=True).text == (
        "Hello\n\nWorld & all\n\nleft\n\nright\nbelow\n\n2.  a\n3.  b\n\nc\n"
    )


@pytest.mark.requirement("L-009")
def test_lines_are_wrapped_but_no_address_is_broken() -> None:
    address = "https://x.example/" + "a" * 300
    text = render(f"{'word ' * 30}[here]({address}) {'word ' * 30}\n\n> {'word ' * 30}").text
    lines = text.split("\n")
    assert f"<{address}>" in lines
    assert all(len(line) <= 76 for line in lines if "https" not in line)
    assert any(len(line) > 70 and line.startswith("> ") for line in lines)


def test_values_are_wrapped_with_the_text_around_them() -> None:
    text = render("{{ contact.city }} end", values=make_values(city="word " * 30)).text
    assert all(len(line) <= 76 for line in text.split("\n"))
    assert text.split()[-1] == "end"
    assert text.count("\n") == 3


@given(st.text(), st.integers(20, 80))
def test_wrapping_loses_no_word_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    words = [word for word in text.replace("\n", " ").split(" ") if word]
    assert [word for line in lines for word in line.split(" ") if word] == words
    assert all(len(line) <= width or " " not in line for line in lines)
