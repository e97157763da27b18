from __future__ import annotations

import pytest

from mailer.rendering.links import (
    describe_fault,
    is_safe_target,
    is_web_address,
    quote_address,
    quote_part,
)
from mailer.rendering.tree import Output, Place, Text

VALUE = Output("contact.x", lambda _scope: "x", Place("body", 1))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/a?b=c#d", True),
        ("HTTP://x.example", True),
        ("mailto:x@y.example", True),
        ("tel:+43123", True),
        ("javascript:alert(1)", False),
        (" https://x.example", False),
        ("https:///x", False),
        ("data:text/html,x", False),
        ("//x.example", False),
        ("ftp://x.example", False),
    ],
)
def test_a_link_leads_to_the_web_to_mail_or_to_a_telephone(url: str, expected: bool) -> None:
    assert is_safe_target(url) is expected


@pytest.mark.parametrize(
    "url", ["mailto:a@b.example", "https://", "https://a b", "x", "https://a\n"]
)
def test_only_complete_addresses_are_web_addresses(url: str) -> None:
    assert is_web_address("https://x.example/a?b=c")
    assert not is_web_address(url)


def test_quoting_keeps_what_an_address_may_hold() -> None:
    address = "https://x.example/a%20b?c=d&e=f#g"
    assert quote_address(address) == address
    assert quote_address('https://x.example/ä "<>\n') == "https://x.example/%C3%A4%20%22%3C%3E%0A"
    assert quote_part("a/b?c&d=e f@g") == "a%2Fb%3Fc%26d%3De%20f@g"


def test_a_placeholder_may_be_the_whole_address_or_a_part_after_the_host() -> None:
    good: list[list[Text | Output]] = [
        [VALUE],
        [VALUE, Text("?a=1")],
        [Text("https://x.example/"), VALUE],
        [Text("https://x.example?a="), VALUE],
        [Text("mailto:"), VALUE],
    ]
    bad: list[list[Text | Output]] = [[Text("https://"), VALUE], [Text("https://x."), VALUE], []]
    for parts in good:
        assert describe_fault(parts, is_image=False) is None
    for parts in bad:
        assert describe_fault(parts, is_image=False) is not None
