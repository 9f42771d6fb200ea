"""Communities are those of scikit-network, and what is tied tightly stays together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sknetwork.clustering import Louvain

from headwater.detect.communities import Weights, communities


def graph(size: int, ties: list[tuple[int, int, float]]) -> sparse.csr_matrix:
    """A symmetric matrix of ties, those of one pair added up."""
    a, b, weight = (np.array(part) for part in zip(*ties, strict=True))
    half = sparse.coo_matrix((weight.astype(float), (a, b)), shape=(size, size)).tocsr()
    return (half + half.T).tocsr()


def groups(label: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(label == k).tolist()) for k in np.unique(label)}


@st.composite
def graphs(draw: st.DrawFn) -> sparse.csr_matrix:
    """Graphs without a node tied to itself, dense and thin, with weights that repeat and ones that don't."""
    size = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    a, b = np.triu_indices(size, 1)
    blocks = rng.integers(0, draw(st.integers(1, 6)), size)
    thin = draw(st.floats(0.01, 0.3))
    keep = rng.random(len(a)) < np.where(blocks[a] == blocks[b], draw(st.floats(0.1, 1.0)), thin)
    keep[0] = True
    weight = (
        rng.choice([0.5, 1.0, 2.0], len(a)) if draw(st.booleans()) else rng.exponential(1.0, len(a)) + 1e-6
    )
    return graph(size, list(zip(a[keep], b[keep], weight[keep], strict=True)))


@given(graphs())
@settings(max_examples=300)
def test_communities_are_those_of_scikit_network(ties: sparse.csr_matrix) -> None:
    theirs = Louvain(random_state=0).fit_predict(ties)
    assert groups(communities(Weights.of(ties))) == groups(theirs)


@pytest.mark.parametrize("size", [500, 3_000])
def test_large_graphs_are_divided_alike(size: int) -> None:
    rng = np.random.default_rng(size)
    of = rng.integers(0, 40, size)
    a, b = rng.integers(0, size, (2, 12 * size))
    keep = (a != b) & ((of[a] == of[b]) | (rng.random(len(a)) < 0.2))
    ties = graph(size, list(zip(a[keep], b[keep], rng.exponential(2.0, int(keep.sum())), strict=True)))
    mine = communities(Weights.of(ties))
    assert groups(mine) == groups(Louvain(random_state=0).fit_predict(ties))
    sizes = np.bincount(mine)
    assert (np.diff(sizes) <= 0).all(), "numbered by size"


def test_two_cliques_with_one_tie_between_are_two() -> None:
    cliques = [(a + at, b + at, 1.0) for at in (0, 6) for a in range(6) for b in range(a)]
    assert groups(communities(Weights.of(graph(12, [*cliques, (0, 6, 1.0)])))) == {
        frozenset(range(6)),
        frozenset(range(6, 12)),
    }


def test_who_is_tied_to_nobody_is_alone() -> None:
    assert groups(communities(Weights.of(graph(5, [(0, 1, 1.0), (1, 2, 1.0)])))) == {
        frozenset({0, 1, 2}),
        frozenset({3}),
        frozenset({4}),
    }
    assert groups(communities(Weights.of(sparse.csr_matrix((3, 3))))) == {frozenset({k}) for k in range(3)}


def test_order_of_columns_and_zeros_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        size = int(rng.integers(8, 60))
        a, b = np.triu_indices(size, 1)
        keep = rng.random(len(a)) < 0.3
        plain = graph(size, list(zip(a[keep], b[keep], rng.integers(1, 4, int(keep.sum())), strict=True)))
        turned = plain.copy()
        for low, high in zip(plain.indptr[:-1], plain.indptr[1:], strict=True):
            turned.indices[low:high] = plain.indices[low:high][::-1]
            turned.data[low:high] = plain.data[low:high][::-1]
        turned.has_sorted_indices = False
        rows, columns = np.nonzero(plain.toarray() == 0)
        whole = plain.tocoo()
        with_zeros = sparse.csr_matrix(
            (
                np.concatenate([whole.data, np.zeros(len(rows))]),
                (np.concatenate([whole.row, rows]), np.concatenate([whole.col, columns])),
            ),
            shape=plain.shape,
        )
        assert with_zeros.nnz == size**2
        assert (turned != plain).nnz == 0
        assert (
            groups(communities(Weights.of(turned)))
            == groups(communities(Weights.of(with_zeros)))
            == groups(communities(Weights.of(plain)))
        )
