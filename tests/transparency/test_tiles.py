"""Where hashes lie among tiles, and how tiles are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.errors import NotFound
from mailer.transparency import tiles
from mailer.transparency.merkle import HASH_BYTES, Node
from mailer.transparency.tiles import Tile, Wanted
from tests.transparency import naive

pytestmark = pytest.mark.requirement("T-018")


def test_a_number_is_written_in_groups_of_three() -> None:
    assert tiles.name_of(1234067) == "x001/x234/067"
    assert tiles.name_of(0) == "000"
    assert tiles.name_of(999) == "999"
    assert tiles.name_of(1000, 17) == "x001/000.p/17"


@given(st.integers(0, 2**40), st.integers(1, 256))
def test_a_name_reads_back_as_it_was_written(number: int, width: int) -> None:
    assert tiles.read_name(tiles.name_of(number, width)) == Wanted(number, width)


@pytest.mark.parametrize(
    "name",
    [
        "0",
        "00",
        "0000",
        "x000/001",
        "1/000",
        "x001/1",
        "000.p/0",
        "000.p/256",
        "000.p/01",
        "000.p/",
        "",
        "000/",
        "-01",
    ],
)
def test_other_spellings_name_nothing(name: str) -> None:
    with pytest.raises(NotFound):
        tiles.read_name(name)


def test_levels_go_from_0_to_63() -> None:
    assert [tiles.read_level(text) for text in ("0", "7", "63")] == [0, 7, 63]
    for text in ("00", "64", "-1", "a", "", "1.0"):
        with pytest.raises(NotFound):
            tiles.read_level(text)


def test_a_tree_of_70000_leaves_has_the_tiles_of_the_specification() -> None:
    assert tiles.tiles_at(70_000) == [(Tile(0, 273), 112), (Tile(1, 1), 17), (Tile(2, 0), 1)]
    assert tiles.tiles_at(256) == [(Tile(0, 0), 256), (Tile(1, 0), 1)]
    assert tiles.tiles_at(0) == []
    assert tiles.width_at(0, 272, 70_000) == 256
    assert tiles.width_at(0, 274, 70_000) == 0


def test_a_hash_within_a_tile_is_made_of_those_below_it() -> None:
    leaves = [b"%d" % number for number in range(256)]
    tile = b"".join(naive.root([leaf]) for leaf in leaves)
    for level in range(8):
        for index in range(256 >> level):
            wanted = naive.root(leaves[index << level : (index + 1) << level])
            assert tiles.hash_in(Node(level, index), tile) == wanted
    with pytest.raises(NotFound):
        tiles.hash_in(Node(1, 2), tile[: 5 * HASH_BYTES])


def test_a_node_of_a_higher_level_lies_in_a_higher_tile() -> None:
    assert tiles.tile_of(Node(8, 300)) == (Tile(1, 1), 44, 45)
    assert tiles.tile_of(Node(9, 3)) == (Tile(1, 0), 6, 8)
    assert tiles.tile_of(Node(0, 255)) == (Tile(0, 0), 255, 256)
