"""Trees in tiles against their recursive definition: every small tree whole, larger ones grown in random batches."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.proof import (
    EMPTY_ROOT,
    Rejected,
    check_consistency,
    check_inclusion,
    consistency_proof,
    decode_bundle,
    encode_bundle,
    entries_path,
    grow,
    inclusion_proof,
    tile_path,
    tiles,
)
from proof.trees import Tiles, leaf, mth

MOST = 256
LEAVES = [leaf(number) for number in range(70_000)]
ROOTS = [mth(LEAVES[:size]) for size in range(MOST + 2)]


def grown(sizes: Sequence[int]) -> tuple[Tiles, bytes]:
    """Tiles and root of the tree that grew to each of `sizes` in turn."""
    kept, size, root = Tiles(), 0, EMPTY_ROOT
    for following in sizes:
        made = grow(size, LEAVES[size:following], kept, expected=root)
        assert made.size == following
        kept.take(made.tiles)
        size, root = following, made.root
    return kept, root


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8) * (at == bit // 8) for at, byte in enumerate(data))


def test_every_inclusion_proof_of_every_tree_up_to_257_leaves() -> None:
    kept, _ = grown(range(1, MOST + 2))
    for size in range(1, MOST + 2):
        assert tiles.root(size, kept) == ROOTS[size]
        for index in range(size):
            check_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, kept), ROOTS[size])


def test_every_consistency_proof_of_every_tree_up_to_257_leaves() -> None:
    kept, _ = grown(range(1, MOST + 2))
    for second in range(1, MOST + 2):
        for first in range(1, second + 1):
            proof = consistency_proof(first, second, kept)
            check_consistency(first, second, proof, ROOTS[first], ROOTS[second])
    assert consistency_proof(0, 7, kept) == consistency_proof(7, 7, kept) == []


def test_the_example_of_the_specification() -> None:
    """c2sp.org/tlog-tiles, Partial Tiles: the tiles of a tree of 70,000 leaves, and of one of 256."""
    made = grow(0, LEAVES, Tiles())
    widths = {at[:2]: len(at[2]) // 32 for at in made.tiles}
    full = {(0, index): 256 for index in range(273)} | {(1, 0): 256}
    assert widths == full | {(0, 273): 112, (1, 1): 17, (2, 0): 1}
    assert made.root == mth(LEAVES)
    assert {at[:2]: len(at[2]) // 32 for at in grow(0, LEAVES[:256], Tiles()).tiles} == {
        (0, 0): 256,
        (1, 0): 1,
    }


def test_a_tile_holds_the_hashes_of_the_full_tiles_below_it() -> None:
    made = Tiles()
    made.take(grow(0, b"".join(LEAVES), Tiles()).tiles)
    assert made[0, 3] == b"".join(LEAVES[768:1024])
    assert made[1, 0][32:64] == mth(LEAVES[256:512])
    assert made[2, 0] == mth(LEAVES[:65_536])


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_batches_give_the_tree_of_its_definition(batches: list[int], chance: random.Random) -> None:
    sizes = [sum(batches[: nth + 1]) for nth in range(len(batches))]
    kept, root = grown(sizes)
    size = sizes[-1]
    assert root == tiles.root(size, kept) == mth(LEAVES[:size])
    whole = Tiles()
    whole.take(grow(0, b"".join(LEAVES[:size]), whole).tiles)
    assert whole == kept
    index, first = chance.randrange(size), chance.choice(sizes)
    proof = inclusion_proof(index, size, kept)
    check_inclusion(LEAVES[index], index, size, proof, root)
    assert tiles.root(first, kept) == mth(LEAVES[:first])
    longer = consistency_proof(first, size, kept)
    check_consistency(first, size, longer, mth(LEAVES[:first]), root)


@given(st.integers(2, 2_000), st.data())
@settings(max_examples=80)
def test_any_changed_bit_is_refused(size: int, data: st.DataObject) -> None:
    kept, root = grown([size])
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    included = [LEAVES[index], *inclusion_proof(index, size, kept), root]
    nth = data.draw(st.integers(0, len(included) - 1))
    included[nth] = flipped(included[nth], data.draw(st.integers(0, 255)))
    with pytest.raises(Rejected):
        check_inclusion(included[0], index, size, included[1:-1], included[-1])
    consistent = [mth(LEAVES[:first]), *consistency_proof(first, size, kept), root]
    nth = data.draw(st.integers(0, len(consistent) - 1))
    consistent[nth] = flipped(consistent[nth], data.draw(st.integers(0, 255)))
    with pytest.raises(Rejected):
        check_consistency(first, size, consistent[1:-1], consistent[0], consistent[-1])


@given(st.integers(2, 2_000), st.data())
@settings(max_examples=60)
def test_a_proof_belongs_to_its_index_and_sizes(size: int, data: st.DataObject) -> None:
    kept, root = grown([size])
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
    proof = inclusion_proof(index, size, kept)
    for at, said in ((other, proof), (index, proof[:-1]), (index, [*proof, root]), (index, proof[1:])):
        with pytest.raises(Rejected):
            check_inclusion(LEAVES[index], at, size, said, root)
    first = data.draw(st.integers(1, size - 1))
    longer, began = consistency_proof(first, size, kept), mth(LEAVES[:first])
    for old, said in ((first, longer[:-1]), (first, [*longer, root]), (first, longer[1:]), (size, longer)):
        with pytest.raises(Rejected):
            check_consistency(old, size, said, began, root)


def test_nothing_is_grown_on_tiles_that_were_changed() -> None:
    kept, root = grown([70_000])
    for at in ((0, 273), (1, 1), (2, 0)):
        changed = Tiles(kept)
        changed[at] = flipped(kept[at], 5)
        with pytest.raises(Rejected, match="not those of its root"):
            grow(70_000, [leaf(0)], changed, expected=root)


@pytest.mark.parametrize("cut", [b"", b"\0" * 31, b"\0" * 33, b"\0" * 8192])
def test_a_tile_of_another_width_is_refused(cut: bytes) -> None:
    with pytest.raises(Rejected, match=r"tile/0/000\.p/3 has"):
        tiles.root(3, lambda level, index, width: cut)
    with pytest.raises(Rejected, match=r"tile/0/000\.p/3 has"):
        grow(3, [leaf(3)], lambda level, index, width: cut)


def test_leaves_of_another_length_are_refused() -> None:
    for wrong in ([b"\0" * 31, b"\0" * 33], [b"\0" * 64], b"\0" * 33):
        with pytest.raises(Rejected, match="32 bytes"):
            grow(0, wrong, Tiles())


def test_sizes_that_no_tree_has_are_refused() -> None:
    read = Tiles()
    for call in (
        lambda: tiles.root(-1, read),
        lambda: tiles.root(2**63, read),
        lambda: grow(2**63 - 1, [leaf(0)], read),
        lambda: inclusion_proof(5, 5, read),
        lambda: inclusion_proof(-1, 5, read),
        lambda: consistency_proof(6, 5, read),
        lambda: consistency_proof(-1, 5, read),
    ):
        with pytest.raises(Rejected):
            call()


class Endless:
    """Tiles of a tree that nobody could build: every subtree of a height has the same hash."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int, int]] = []
        self.at = [leaf(0)]
        for _ in range(64):
            self.at.append(mth([self.at[-1]] * 2))

    def __call__(self, level: int, index: int, width: int) -> bytes:
        self.reads.append((level, index, width))
        return self.at[8 * level] * width


@pytest.mark.parametrize("size", [10**8, 10**8 + 1, 2**32, 2**63 - 1])
def test_a_proof_in_a_huge_tree_takes_a_handful_of_tiles(size: int) -> None:
    read = Endless()
    root = tiles.root(size, read)
    levels = (size.bit_length() + 7) // 8
    assert len(read.reads) <= levels
    for index in (0, size // 3, size - 1):
        read.reads.clear()
        proof = inclusion_proof(index, size, read)
        assert len(read.reads) == len(set(read.reads)) <= 2 * levels
        check_inclusion(leaf(0), index, size, proof, root)
    for first in (1, size // 3, 2 ** (size.bit_length() - 1), size - 1):
        read.reads.clear()
        proof = consistency_proof(first, size, read)
        assert len(read.reads) == len(set(read.reads)) <= 2 * levels
        check_consistency(first, size, proof, tiles.root(first, Endless()), root)


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(0, 1067, 8) == "tile/0/x001/067.p/8"
    assert tile_path(63, 0, 255) == "tile/63/000.p/255"
    assert entries_path(999) == "tile/entries/999"
    assert entries_path(1000, 1) == "tile/entries/x001/000.p/1"
    for call in (
        lambda: tile_path(64, 0),
        lambda: tile_path(-1, 0),
        lambda: tile_path(0, -1),
        lambda: tile_path(0, 0, 0),
        lambda: tile_path(0, 0, 257),
        lambda: entries_path(2**63),
    ):
        with pytest.raises(Rejected):
            call()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
@settings(max_examples=50)
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == entries
    for wrong, count in ((data, len(entries) - 1), (data[:-1], len(entries)), (data + b"\0", len(entries))):
        with pytest.raises(Rejected):
            decode_bundle(wrong, count)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_hostile_bundles_are_refused_or_print_back(data: bytes, count: int) -> None:
    try:
        assert encode_bundle(decode_bundle(data, count)) == data
    except Rejected:
        return


def test_entries_that_a_bundle_cannot_hold() -> None:
    assert decode_bundle(encode_bundle([b"\xff" * 65_535]), 1) == [b"\xff" * 65_535]
    for entries in ([], [b""] * 257, [b"\0" * 65_536]):
        with pytest.raises(Rejected):
            encode_bundle(entries)
