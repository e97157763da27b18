from __future__ import annotations

import pytest

from mailer.forms import is_allowed, origin_of, parse_origin, parse_origins
from mailer.foundation.errors import Invalid


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://localhost:5000", "http://localhost:5000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:81", "http://[::1]:81"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_address_becomes_the_origin_a_browser_sends(given: str, origin: str) -> None:
    assert parse_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "",
        "null",
        "*",
        "shop.example",
        "http://shop.example",
        "https://shop.example/page",
        "https://shop.example?x=1",
        "https://user@shop.example",
        "https://shop.example:0",
        "https://shop.example:99999",
        "https://*.example",
        "https://shop.example;script-src",
        "https://shop.example 'unsafe-inline'",
        "javascript:alert(1)",
        "https://" + "a" * 300,
        "https://[::1",
        "https://\\evil",
        "https://localhost.evil.example:http",
        "http://localhost.evil.example",
    ],
)
def test_everything_else_is_refused(given: str) -> None:
    with pytest.raises(Invalid):
        parse_origin(given)


def test_a_list_is_kept_in_order_without_doubles() -> None:
    lines = "https://b.example\n\nhttps://a.example https://b.example/\n"
    assert parse_origins(lines) == ["https://b.example", "https://a.example"]


def test_more_than_twenty_are_too_many() -> None:
    with pytest.raises(Invalid):
        parse_origins("\n".join(f"https://s{number}.example" for number in range(21)))


def test_the_origin_of_what_a_browser_sent() -> None:
    assert origin_of("https://shop.example/a?b=c#d") == "https://shop.example"
    for odd in (None, "", "null", "about:blank", "https://[", "x" * 5000):
        assert origin_of(odd) == ""


@pytest.mark.requirement("S-051")
def test_only_a_whole_origin_is_on_the_list() -> None:
    allowed = ["https://shop.example"]
    assert is_allowed("https://shop.example", allowed)
    for other in ("", "null", "https://shop.example.evil.example", "http://shop.example"):
        assert not is_allowed(other, allowed)
