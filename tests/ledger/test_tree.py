"""The Merkle tree against the vectors published for RFC 6962, and against the RFC's own definition written out."""

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.tree import consistency, edge, hash_of, inclusion, tiles_of
from audit.verify_bundle import TILE, Broken, Tree, leaf_hash, root_of, root_of_inclusion, verify_consistency

VECTORS = json.loads((Path(__file__).parent / "merkle_vectors.json").read_text(encoding="utf-8"))
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
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
LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def named(kind: str) -> list[Any]:
    return [pytest.param(one, id=one["name"]) for one in VECTORS[kind]]


def mth(leaves: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash as RFC 6962, 2.1, defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + mth(leaves[:split]) + mth(leaves[split:])).digest()


class Kept:
    """The tiles of a tree as they would be kept, made of the whole list of leaves."""

    def __init__(self, size: int) -> None:
        self.levels = [LEAVES[:size]]
        while len(self.levels[-1]) >= TILE:
            last = self.levels[-1]
            self.levels.append([mth(last[at : at + TILE]) for at in range(0, len(last) - TILE + 1, TILE)])

    def __call__(self, place: tuple[int, int]) -> list[bytes]:
        level, number = place
        return self.levels[level][number * TILE : (number + 1) * TILE]


def test_the_published_roots_come_out() -> None:
    tree = Tree()
    for size, root in enumerate(ROOTS):
        assert tree.root().hex() == root == root_of([leaf_hash(bytes.fromhex(one)) for one in INPUTS[:size]]).hex()
        if size < len(INPUTS):
            tree.add(leaf_hash(bytes.fromhex(INPUTS[size])))


@pytest.mark.parametrize("case", named("inclusion"))
def test_published_inclusion_proofs_get_the_published_verdict(case: dict[str, Any]) -> None:
    try:
        path = [raw(one) for one in case["proof"] or []]
        root = root_of_inclusion(case["leafIdx"], case["treeSize"], raw(case["leafHash"]), path)
        fits = root == raw(case["root"])
    except Broken:
        fits = False
    assert fits is not case["wantErr"]


@pytest.mark.parametrize("case", named("consistency"))
def test_published_consistency_proofs_get_the_published_verdict(case: dict[str, Any]) -> None:
    try:
        roots = raw(case["root1"]), raw(case["root2"])
        verify_consistency(case["size1"], case["size2"], roots, [raw(one) for one in case["proof"] or []])
        fits = True
    except Broken:
        fits = False
    assert fits is not case["wantErr"]


def test_a_tree_grown_leaf_by_leaf_has_the_root_of_the_definition_at_every_size() -> None:
    tree = Tree()
    for size in range(1, 600):
        tree.add(LEAVES[size - 1])
        assert tree.root() == mth(LEAVES[:size])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_filled_tiles_are_those_of_the_tree_and_a_tree_goes_on_from_its_edge(size: int) -> None:
    kept, tree, filled = Kept(size), Tree(), {}
    for leaf in LEAVES[:size]:
        filled |= {(level, number): hashes for level, number, hashes in tree.add(leaf)}
    assert all(kept(place) == hashes for place, hashes in filled.items())
    assert sum(len(hashes) for (level, _), hashes in filled.items() if level == 0) == size - size % TILE
    assert tree.root() == mth(LEAVES[:size])
    edges = [kept((level, number)) for level, number in edge(size)]
    assert sorted(map(tuple, edges)) == sorted(tuple(one) for one in tree.edges if one)
    again = Tree(size, [list(one) for one in tree.edges])
    again.add(leaf_hash(b"next"))
    assert again.root() == mth([*LEAVES[:size], leaf_hash(b"next")])


@given(st.integers(1, 3000), st.data())
def test_every_proof_made_is_found_good_and_stands_for_one_place_only(size: int, data: st.DataObject) -> None:
    kept, root = Kept(size), mth(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    path = [hash_of(one, kept) for one in inclusion(index, size)]
    assert root_of_inclusion(index, size, LEAVES[index], path) == root
    assert root_of_inclusion(index, size, leaf_hash(b"another"), path) != root
    first = data.draw(st.integers(1, size))
    told = [hash_of(one, kept) for one in consistency(first, size)]
    before = mth(LEAVES[:first])
    verify_consistency(first, size, (before, root), told)
    with pytest.raises(Broken):
        verify_consistency(first, size, (mth([*LEAVES[: first - 1], leaf_hash(b"another")]), root), told)


@pytest.mark.parametrize("size", [256, 65_536, 66_000, 70_000])
def test_a_proof_in_a_large_log_needs_few_tiles(size: int) -> None:
    kept, root = Kept(size), mth(LEAVES[:size])
    for index in (0, 255, size // 2, size - 1):
        ranges = inclusion(index, size)
        assert len(tiles_of(ranges)) <= 5
        assert root_of_inclusion(index, size, LEAVES[index], [hash_of(one, kept) for one in ranges]) == root


@given(st.integers(-1, 2**64), st.integers(-1, 2**64), st.lists(st.binary(max_size=33), max_size=70))
def test_a_proof_of_anything_is_refused_and_never_fails(first: int, second: int, path: list[bytes]) -> None:
    with pytest.raises(Broken):
        verify_consistency(first, second, (b"a" * 32, b"b" * 32), path)
    try:
        assert root_of_inclusion(first, second, b"l" * 32, path) != b"r" * 32
    except Broken:
        return
