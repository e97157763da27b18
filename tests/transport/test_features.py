from __future__ import annotations

import pytest

from mailer.transport.features import NOTHING, Features, read_features
from mailer.transport.replies import Reply


def offered(*lines: str) -> Features:
    return read_features(Reply(250, tuple(line.encode() for line in ("mx.test hello", *lines))))


@pytest.mark.requirement("E-048")
def test_what_is_offered_is_read_in_any_case() -> None:
    assert offered(
        "Pipelining", "SIZE 1000", "8bitmime", "SMTPUTF8", "STARTTLS", "AUTH PLAIN login"
    ) == Features(
        pipelining=True,
        eight_bit=True,
        smtputf8=True,
        starttls=True,
        has_size=True,
        most_octets=1000,
        auth=frozenset({"PLAIN", "LOGIN"}),
    )


@pytest.mark.requirement("E-048")
def test_the_greeting_line_offers_nothing() -> None:
    assert read_features(Reply(250, (b"PIPELINING",))) == NOTHING


@pytest.mark.parametrize("line", ["SIZE", "SIZE 0", "SIZE lots", "SIZE " + "9" * 40])
def test_a_size_without_a_usable_limit_is_no_limit(line: str) -> None:
    features = offered(line)
    assert (features.has_size, features.most_octets) == (True, 0)


def test_the_old_way_to_offer_auth_is_understood() -> None:
    assert offered("AUTH=LOGIN PLAIN").auth == {"LOGIN", "PLAIN"}


def test_empty_and_strange_lines_do_no_harm() -> None:
    assert offered("", "\xff\xfe", "XYZZY 1 2") == NOTHING
