"""The log over HTTP, as tlog-tiles asks; a monitor that reads nothing else checks all of it."""

from __future__ import annotations

import gzip
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer import transparency
from mailer.foundation import signing_keys
from mailer.foundation.settings import Settings
from mailer.transparency import Frontier, hash_leaf
from tests.support.factories import make_organisation
from tests.support.keeping import keep, queue_leaves

pytestmark = pytest.mark.requirement("T-018")


@pytest.fixture
def size(app: Flask, settings: Settings) -> int:
    """A log of two checkpoints over some hundred leaves, and two leaves that are not signed yet."""
    queue_leaves(make_organisation(), *(f"lea_{number}" for number in range(300)))
    keep(settings)
    queue_leaves(None, *(f"lea_{number}" for number in range(300, 520)))
    size = keep(settings).size
    queue_leaves(None, "lea_unsigned")
    return size


def body(client: FlaskClient, path: str) -> bytes:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.data


def test_before_the_first_checkpoint_there_is_nothing(client: FlaskClient) -> None:
    assert client.get("/log/checkpoint").status_code == 404
    assert client.get("/log/tile/0/000.p/1").status_code == 404
    assert "none yet" in client.get("/log").text


def test_headers_are_those_of_the_specification(client: FlaskClient, size: int) -> None:
    checkpoint = client.get("/log/checkpoint")
    assert checkpoint.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["Cache-Control"] == "no-cache"
    for path in ("/log/tile/0/000", "/log/tile/1/000.p/2", "/log/tile/entries/000"):
        tile = client.get(path)
        assert tile.headers["Content-Type"] == "application/octet-stream"
        assert tile.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in tile.headers
        assert client.head(path).status_code == 200


def test_a_monitor_rebuilds_the_tree_from_what_is_published(client: FlaskClient, size: int) -> None:
    note = transparency.read_note(body(client, "/log/checkpoint").decode())
    key = transparency.read_key(transparency.log_vkeys()[0])
    assert transparency.verified_by(note, [key], signing_keys.is_signed_by) == [key]
    checkpoint = transparency.read_checkpoint(note.text)
    assert checkpoint.size == size
    frontier, hashes = Frontier(), []
    for number in range(size // 256 + 1):
        width = min(256, size - number * 256)
        name = f"{number:03d}" + (f".p/{width}" if width < 256 else "")
        for leaf in transparency.unpack(body(client, f"/log/tile/entries/{name}")):
            hashes.append(hash_leaf(leaf))
            frontier.append(hashes[-1])
        tile = body(client, f"/log/tile/0/{name}")
        assert tile == b"".join(hashes[number * 256 :])
    assert frontier.root() == checkpoint.root
    upper = body(client, f"/log/tile/1/000.p/{size // 256}")
    assert len(upper) == 32 * (size // 256)


def test_partial_tiles_of_earlier_checkpoints_stay(client: FlaskClient, size: int) -> None:
    first = transparency.list_checkpoints_after(0)[0].size
    partial = body(client, f"/log/tile/0/001.p/{first - 256}")
    assert body(client, "/log/tile/0/001").startswith(partial)


def test_what_no_checkpoint_covers_is_not_shown(client: FlaskClient, size: int) -> None:
    there = size - 512
    for path in (
        "/log/tile/0/002",
        f"/log/tile/0/002.p/{there + 1}",
        f"/log/tile/entries/002.p/{there + 1}",
        "/log/tile/0/003.p/1",
        "/log/tile/1/000",
        "/log/tile/2/000.p/1",
        "/log/tile/63/000.p/1",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "name",
    [
        "0/0",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "00/000",
        "64/000",
        "-1/000",
        "0/x000/000",
        "0/1/2",
        "a/000",
        "0/",
        "entries/0",
        "data/000",
    ],
)
def test_other_spellings_are_not_found(client: FlaskClient, size: int, name: str) -> None:
    assert client.get(f"/log/tile/{name}").status_code == 404


def test_a_number_beyond_every_tree_is_not_found(client: FlaskClient, size: int) -> None:
    number = "x999/" * 12 + "999"
    assert client.get(f"/log/tile/0/{number}").status_code == 404


def test_bundles_come_compressed_to_those_who_say_so(client: FlaskClient, size: int) -> None:
    plain = client.get("/log/tile/entries/000", headers={"Accept-Encoding": "identity"})
    small = client.get("/log/tile/entries/000", headers={"Accept-Encoding": "gzip, identity"})
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < len(plain.data) / 2
    assert small.headers["Vary"] == "Accept-Encoding"


@pytest.mark.requirement("T-019")
@pytest.mark.requirement("T-004")
def test_leaves_hold_exactly_the_six_members_that_may_be_public(
    client: FlaskClient, size: int
) -> None:
    (leaf, *_) = transparency.unpack(body(client, "/log/tile/entries/000"))
    assert set(json.loads(leaf)) == {
        "alg",
        "commitment",
        "id",
        "organisation",
        "time",
        "type",
    }


@pytest.mark.requirement("T-030")
def test_without_an_anchor_the_page_says_operator_asserted_only(
    client: FlaskClient, size: int, settings: Settings
) -> None:
    page = client.get("/log").text
    assert "Operator-asserted only" in page
    assert settings.log_origin in page
    assert transparency.log_vkeys()[0].replace("+", "&#43;") in page or (
        transparency.log_vkeys()[0] in page
    )


@pytest.mark.requirement("T-041")
def test_the_policy_names_the_key_of_the_log(client: FlaskClient, size: int) -> None:
    policy = client.get("/log/policy")
    assert policy.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert f"log {transparency.log_vkeys()[0]}" in policy.text
    assert "quorum none" in policy.text
