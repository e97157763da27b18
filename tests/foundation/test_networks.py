from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.networks import ip_prefix, truncate_ip

pytestmark = pytest.mark.requirement("C-046")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("fe80::1%eth0/9", "fe80::/48"),
        (" 192.0.2.77 ", "192.0.2.0/24"),
    ],
)
def test_only_the_network_of_an_address_is_kept(address: str, network: str) -> None:
    assert truncate_ip(address) == network


@pytest.mark.parametrize(
    "text", ["", "unknown", "192.0.2.256", "192.0.2.1, 192.0.2.2", "192.0.2.1:80", "[::1]"]
)
def test_what_is_no_address_leaves_nothing(text: str) -> None:
    assert truncate_ip(text) == ""


@given(st.text(max_size=60))
def test_no_header_can_break_it(text: str) -> None:
    assert truncate_ip(text) == "" or "/" in truncate_ip(text)


@given(st.ip_addresses())
def test_no_whole_address_is_ever_kept(address: object) -> None:
    assert truncate_ip(str(address)).endswith(("/24", "/48"))


@pytest.mark.requirement("S-030")
@pytest.mark.parametrize(
    ("ip", "prefix"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_the_part_of_an_address_that_is_counted(ip: str, prefix: str) -> None:
    assert ip_prefix(ip) == prefix
