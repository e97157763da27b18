"""Consistency proofs, against trees computed from the definition."""

from __future__ import annotations

import hashlib

import pytest

from mailer.witness.growth import grew
from tests.support.little_log import hash_leaf, proof_of, root_of

# Leaves and roots published with the reference implementation of RFC 6962.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
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
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.requirement("T-010")
def test_the_trees_of_these_tests_have_the_published_roots() -> None:
    assert [root_of(LEAVES[: size + 1]).hex() for size in range(8)] == ROOTS
    assert root_of([]) == hashlib.sha256(b"").digest()
    assert hash_leaf(b"").hex() == ROOTS[0]


@pytest.mark.requirement("T-030")
def test_every_tree_grew_out_of_every_smaller_one() -> None:
    leaves = [str(number).encode() for number in range(70)]
    for size in range(len(leaves) + 1):
        for old in range(1, size + 1):
            proof = proof_of(old, leaves[:size])
            roots = root_of(leaves[:old]), root_of(leaves[:size])
            assert grew(old, roots[0], size, roots[1], proof), (old, size)
            assert len(proof) <= 63
        assert grew(0, b"", size, root_of(leaves[:size]), [])


@pytest.mark.requirement("T-030")
def test_a_proof_with_anything_changed_shows_nothing() -> None:
    leaves = [str(number).encode() for number in range(23)]
    for old, size in ((1, 2), (4, 8), (6, 23), (8, 23), (16, 17), (22, 23)):
        proof = proof_of(old, leaves[:size])
        before, after = root_of(leaves[:old]), root_of(leaves[:size])
        other = hashlib.sha256(b"another").digest()
        for place in range(len(proof)):
            changed = [*proof[:place], other, *proof[place + 1 :]]
            assert not grew(old, before, size, after, changed)
            assert not grew(old, before, size, after, proof[:place] + proof[place + 1 :])
        assert not grew(old, before, size, after, [*proof, other])
        assert not grew(old, other, size, after, proof)
        assert not grew(old, before, size, other, proof)
        assert not grew(old, before, size, after, [])
        assert not grew(size, after, old, before, proof)


@pytest.mark.requirement("T-030")
def test_trees_of_one_size_must_be_one_tree() -> None:
    root, other = root_of([b"a", b"b"]), root_of([b"a", b"c"])
    assert grew(2, root, 2, root, [])
    assert not grew(2, root, 2, other, [])
    assert not grew(2, root, 2, root, [root])


@pytest.mark.requirement("T-030")
def test_from_nothing_the_proof_is_empty_and_nothing_has_its_own_root() -> None:
    assert not grew(0, b"", 2, root_of([b"a", b"b"]), [hash_leaf(b"a")])
    assert grew(0, b"", 0, root_of([]), [])
    assert not grew(0, b"", 0, root_of([b"a"]), [])
