"""Character n-grams and clusters of them, against slow readable versions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.simulate.chance import stream
from headwater.simulate.likeness import author_effect, group_likeness
from headwater.simulate.topics import clusters, ngram_counts, weigh
from simulate.builders import texts


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_a_text_has_as_many_ngrams_as_places(some: list[str]) -> None:
    counts = ngram_counts(some, 64)
    for text, row in zip(some, counts, strict=True):
        length = len(text.lower()) + 2
        assert row.sum() == sum(max(0, length - size + 1) for size in (2, 3, 4))


@given(st.lists(st.text(max_size=20), min_size=2, max_size=6))
def test_a_texts_ngrams_do_not_depend_on_its_neighbours(some: list[str]) -> None:
    together = ngram_counts(some, 64)
    alone = np.concatenate([ngram_counts([text], 64) for text in some])
    assert np.array_equal(together, alone)


def test_the_same_words_in_another_place_share_ngrams() -> None:
    vectors = weigh(ngram_counts(["a house by the sea", "the sea by a house", "qqq xzx www"], 512))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_clusters_find_the_topics() -> None:
    some = texts("clusters", 240, topics=4)
    found = clusters(some, 4)
    purity = sum(np.bincount(found[i::4]).max() for i in range(4)) / 240
    assert purity > 0.9
    assert np.array_equal(found, clusters(some, 4))


def test_z_is_the_exact_law_of_relabelling() -> None:
    rng = stream(3)
    vectors = rng.normal(size=(12, 5))
    gram = vectors @ vectors.T
    accounts, each = 4, 3

    def within(order: np.ndarray) -> float:
        g = gram[np.ix_(order, order)].reshape(accounts, each, accounts, each)
        return float(np.einsum("iaib->", g) - np.trace(gram))

    drawn = np.array([within(rng.permutation(12)) for _ in range(40_000)])
    z, _ = group_likeness(gram, accounts, each)
    assert abs(z - (within(np.arange(12)) - drawn.mean()) / drawn.std()) < 0.03


def test_the_correlation_is_one_for_copies_and_none_for_strangers() -> None:
    same = np.kron(np.eye(4), np.ones((3, 3)))
    assert group_likeness(same, 4, 3)[1] == 1.0
    assert abs(group_likeness(np.eye(12), 4, 3)[1]) < 1e-12


def test_author_effect_tells_authors_from_one_queue() -> None:
    rng = stream(0)
    pool = texts("pool", 600, topics=30)
    queue = {f"a{i}": [pool[j] for j in rng.integers(0, 600, 6)] for i in range(40)}
    own = {f"a{i}": [pool[j] for j in rng.integers(0, 20, 6) * 30 + i % 30] for i in range(40)}
    dealt, real = (author_effect(of, stream(1), 20, [(10, 5)])[10, 5] for of in (queue, own))
    assert abs(np.median(dealt.z)) < 1.5
    assert np.quantile(real.z, 0.05) > 5
    assert author_effect({}, stream(1)) == {}
