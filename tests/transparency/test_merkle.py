"""Hashing and proofs, against published vectors and against the RFC's text written down naively."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.transparency import merkle
from mailer.transparency.merkle import Frontier, hash_leaf, is_consistent, root_from_inclusion
from tests.transparency import naive

# The reference leaves and roots of the Certificate Transparency test suite (sizes 0 to 8).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Position, size and proof; then old size, new size and proof: of the same suite.
INCLUSION = (
    (
        0,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        5,
        8,
        (
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
)
CONSISTENCY = (
    (1, 1, ()),
    (
        1,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        6,
        8,
        (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
)

pytestmark = pytest.mark.requirement("T-010")


def leaves_of(size: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(size)]


def edge_of(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(hash_leaf(leaf))
    return frontier


def hashes_of(leaves: list[bytes], ranges: list[tuple[int, int]]) -> list[bytes]:
    """The hash over each range, from the leaves themselves."""

    def read(node: merkle.Node) -> bytes:
        return naive.root(leaves[node.place << node.level : (node.place + 1) << node.level])

    return [merkle.range_hash(begin, end, read) for begin, end in ranges]


def test_roots_are_the_published_ones() -> None:
    for size, root in enumerate(ROOTS):
        assert edge_of(LEAVES[:size]).root().hex() == root
        assert naive.root(LEAVES[:size]).hex() == root


@pytest.mark.parametrize(("position", "size", "proof"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(
    position: int, size: int, proof: tuple[str, ...]
) -> None:
    found = hashes_of(LEAVES, merkle.inclusion_ranges(position, size))
    assert [part.hex() for part in found] == list(proof)
    root = root_from_inclusion(position, size, hash_leaf(LEAVES[position]), found)
    assert root.hex() == ROOTS[size]


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(
    old: int, new: int, proof: tuple[str, ...]
) -> None:
    ranges = [] if old == new else merkle.consistency_ranges(old, new)
    found = hashes_of(LEAVES, ranges)
    assert [part.hex() for part in found] == list(proof)
    roots = [bytes.fromhex(ROOTS[size]) for size in (old, new)]
    assert is_consistent((old, roots[0]), (new, roots[1]), found)


def test_all_small_trees_agree_with_the_text_of_the_rfc() -> None:
    leaves = leaves_of(40)
    roots = [naive.root(leaves[:size]) for size in range(41)]
    for size in range(1, 41):
        tree = leaves[:size]
        assert edge_of(tree).root() == roots[size]
        for position in range(size):
            proof = hashes_of(tree, merkle.inclusion_ranges(position, size))
            assert proof == naive.path(position, tree)
            leaf = hash_leaf(tree[position])
            assert root_from_inclusion(position, size, leaf, proof) == roots[size]
        for old in range(1, size):
            proof = hashes_of(tree, merkle.consistency_ranges(old, size))
            assert proof == naive.proof(old, tree)
            assert is_consistent((old, roots[old]), (size, roots[size]), proof)


def test_a_consistency_proof_holds_for_nothing_else() -> None:
    leaves = leaves_of(20)
    roots = [naive.root(leaves[:size]) for size in range(21)]
    for old, new in itertools.combinations(range(1, 21), 2):
        proof = naive.proof(old, leaves[:new])
        assert not is_consistent((old, roots[old - 1]), (new, roots[new]), proof)
        assert not is_consistent((old, roots[old]), (new, roots[new - 1]), proof)
        assert not is_consistent((new, roots[new]), (old, roots[old]), proof)
        assert not is_consistent((old, roots[old]), (new, roots[new]), [*proof, roots[0]])
        for at in range(len(proof)):
            changed = [*proof]
            changed[at] = bytes([changed[at][0] ^ 1, *changed[at][1:]])
            assert not is_consistent((old, roots[old]), (new, roots[new]), changed)
            assert not is_consistent((old, roots[old]), (new, roots[new]), proof[:at])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=200), st.data())
def test_any_tree_proves_any_of_its_leaves(leaves: list[bytes], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(leaves) - 1))
    proof = hashes_of(leaves, merkle.inclusion_ranges(position, len(leaves)))
    assert proof == naive.path(position, leaves)
    leaf = hash_leaf(leaves[position])
    root = edge_of(leaves).root()
    assert root_from_inclusion(position, len(leaves), leaf, proof) == root == naive.root(leaves)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_range_falls_apart_into_complete_subtrees(one: int, other: int) -> None:
    begin, end = sorted((one, other))
    at = begin
    for level, index in merkle.nodes_of(begin, end):
        assert index << level == at
        at += 1 << level
    assert at == end
    assert len(merkle.nodes_of(begin, end)) <= 2 * 20


def test_what_is_not_in_a_tree_has_no_proof() -> None:
    for position, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(Invalid):
            merkle.inclusion_ranges(position, size)
    for old, new in ((0, 5), (6, 5)):
        with pytest.raises(Invalid):
            merkle.consistency_ranges(old, new)
    with pytest.raises(Invalid):
        root_from_inclusion(0, 8, hash_leaf(b""), [])
    with pytest.raises(Invalid):
        Frontier(3, [b"one hash"])
