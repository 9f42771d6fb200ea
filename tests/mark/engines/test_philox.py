"""Philox: the published known answers, and that the compiled rounds are the plain ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from headwater.mark.engines.kernel.philox import many
from headwater.mark.engines.philox import philox, word_of

KNOWN = json.loads((Path(__file__).parents[2] / "vectors/marks/philox.json").read_text("utf-8"))


def words(text: str) -> list[np.uint64]:
    return [np.uint64(int(word, 16)) for word in text.split()]


def test_known_answers() -> None:
    for counter, key, expected in KNOWN["philox4x32-10"]:
        assert list(philox(tuple(words(counter)), tuple(words(key)))) == words(expected)


def test_the_compiled_rounds_are_the_plain_ones() -> None:
    random = np.random.default_rng(5)
    counters, keys = (random.integers(0, 2**32, (1000, count), np.uint64) for count in (4, 2))
    out = np.empty((1000, 4), np.uint64)
    many(counters, keys, out)
    assert np.array_equal(out.T, philox(tuple(counters.T), tuple(keys.T)))


def test_each_of_the_four_words_can_be_named() -> None:
    four = tuple(np.full(4, number, np.uint64) for number in (10, 11, 12, 13))
    assert word_of(four, np.arange(4, dtype=np.uint64)).tolist() == [10, 11, 12, 13]
