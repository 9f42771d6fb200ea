"""torch's CPU generator, rebuilt: its recorded numbers, the compiled loops against plain Python, and refusals."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.mark.engines.kernel.shuffled import leading
from headwater.mark.engines.kernel.twister import BLOCK, next_block, start
from headwater.mark.engines.torch_random import randint, randperm, randperm_reference, words

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/marks/torch_random.json").read_text())


def digest(numbers: np.ndarray) -> str:
    return hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()


@pytest.mark.parametrize("case", VECTORS["randperm"], ids=lambda case: f"{case['seed']}-{case['size']}")
def test_permutations_are_torchs(case: dict) -> None:
    seed, size = int(case["seed"]), case["size"]
    assert digest(randperm(size, seed)) == case["sha256"]
    assert randperm(size, seed, first=8).tolist() == case["first"]


def test_integers_are_torchs() -> None:
    for case in VECTORS["randint"]:
        found = randint(case["low"], case["high"], case["count"], int(case["seed"]))
        assert digest(found) == case["sha256"], case


def test_compiled_words_are_numpys() -> None:
    state, block = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    start(state, 2**32 - 7)
    found = []
    for _ in range(3):
        next_block(state, block)
        found.append(block.copy())
    assert np.array_equal(np.concatenate(found), words(2**32 - 7, 3 * BLOCK))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(1, 2000))
def test_permutations_are_those_of_plain_python(seed: int, size: int) -> None:
    assert randperm(size, seed).tolist() == randperm_reference(size, seed)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_first_places_are_found_without_the_permutation(data: st.DataObject) -> None:
    """Of few tokens and of many, over several blocks of words, one context after the other."""
    size = data.draw(st.integers(2, 1500))
    count = data.draw(st.integers(1, size - 1))
    seeds = data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3))
    tokens = [
        data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=12, unique=True)) for _ in seeds
    ]
    if size > 700:
        tokens[-1] = list(range(size))
    begins = np.cumsum([0, *map(len, tokens)])
    found = np.empty(begins[-1], np.uint8)
    asked = np.array([token for each in tokens for token in each], np.int64)
    leading(np.array(seeds, np.uint32), begins, asked, size, count, 1 / (size - np.arange(count)), found)
    for seed, each, (begin, end) in zip(seeds, tokens, pairwise(begins), strict=True):
        first = set(randperm_reference(size, seed)[:count])
        assert found[begin:end].tolist() == [int(token in first) for token in each]


def test_what_torch_draws_otherwise_is_refused() -> None:
    with pytest.raises(UsageError):
        randint(0, 2**28, 1, 0)
    with pytest.raises(UsageError):
        randperm(2**28, 0)
