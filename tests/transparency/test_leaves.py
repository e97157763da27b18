"""Leaves are RFC 8785, hold six members and nothing else, and come in bundles."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.transparency import Leaf, pack, read_leaf, time_of, unpack

PLAIN = st.text(alphabet=string.ascii_letters + string.digits + "_:.+-", max_size=60)


@pytest.mark.requirement("T-001")
@given(PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, st.binary(max_size=32))
def test_a_leaf_is_what_a_full_implementation_of_the_rfc_writes(
    kind: str, organisation: str, public_id: str, time: str, algorithm: str, commitment: bytes
) -> None:
    leaf = Leaf(kind, organisation, public_id, time, algorithm, commitment)
    body = leaf.to_bytes()
    assert body == rfc8785.dumps(
        {
            "type": kind,
            "organisation": organisation,
            "id": public_id,
            "time": time,
            "alg": algorithm,
            "commitment": commitment.hex(),
        }
    )
    assert read_leaf(body) == leaf


@pytest.mark.parametrize("wrong", ['a"b', "a b", "é", "a\n", "a\\b", "<", "x" * 201])
def test_what_would_need_escaping_is_no_member(wrong: str) -> None:
    with pytest.raises(Invalid):
        Leaf("consent", wrong, "rec_1", "now", "sha256", b"").to_bytes()


LEAF = Leaf("consent", "lop_1", "rec_1", "2026-11-23T22:54:53.340Z", "sha256", b"\x01\x02")


@pytest.mark.requirement("T-002")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        LEAF.to_bytes() + b" ",
        LEAF.to_bytes().replace(b'"alg"', b'"alg" '),
        LEAF.to_bytes().replace(b'"type"', b'"more":"","type"'),
        LEAF.to_bytes().replace(b"0102", b"01 02"),
        LEAF.to_bytes().replace(b"0102", b"0A02"),
        LEAF.to_bytes().replace(b'"lop_1"', b'"lop_1","organisation":"lop_1"'),
        json.dumps(json.loads(LEAF.to_bytes())).encode(),
        LEAF.to_bytes().replace(b"rec_1", b"\xff"),
        LEAF.to_bytes().replace(b'"rec_1"', b"1"),
    ],
)
def test_other_bytes_are_no_leaf(body: bytes) -> None:
    with pytest.raises(Invalid):
        read_leaf(body)


def test_times_are_utc_with_milliseconds_cut_off() -> None:
    moment = datetime(2026, 11, 23, 23, 54, 53, 340999, timezone(timedelta(hours=1)))
    assert time_of(moment) == "2026-11-23T22:54:53.340Z"
    assert time_of(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_back_its_leaves(leaves: list[bytes]) -> None:
    assert list(unpack(pack(leaves))) == leaves


def test_a_torn_bundle_and_a_leaf_that_is_too_long_are_refused() -> None:
    bundle = pack([b"abc", b"defg"])
    for length in (1, 4, 6, len(bundle) - 1):
        with pytest.raises(Invalid):
            list(unpack(bundle[:length]))
    with pytest.raises(Invalid):
        pack([bytes(65_536)])
