"""Unigram: the lists of both repositories, its units, and tails that allow for the draw without replacement."""

from __future__ import annotations

import hashlib
import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import hypergeom

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.engines.replacement import log_factor
from headwater.mark.engines.unigram import Unigram, green_list, unigram, unigram_log_tail
from headwater.mark.scheme import MarkKey
from headwater.mark.score import Scorer, Table
from headwater.mark.tails.counts import log_hypergeometric_tail

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/marks/unigram.json").read_text())
COUNTING = Scorer("green", ((Table(np.array([0, 1, 2]), np.array([0, 1]), 1.0),),))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: str(case["vocab_size"]))
def test_lists_and_scores_are_the_engines(case: dict) -> None:
    assert case["same in markllm"]
    scheme = unigram({"vocab_size": case["vocab_size"], "fraction": case["fraction"]})
    key = MarkKey("k", (case["key"],))
    mask = green_list(case["key"], scheme.null.size, scheme.null.ones or 0)
    assert hashlib.sha256(mask.astype(np.uint8).tobytes()).hexdigest() == case["sha256"]
    units = scheme.units(np.array(case["tokens"]))
    assert sorted(units.token) == sorted(set(case["tokens"]))
    assert units.times.sum() == len(case["tokens"])
    count, part = len(units), case["fraction"]
    z = (scheme.values(key, units).sum() - part * count) / np.sqrt(part * (1 - part) * count)
    assert z == pytest.approx(case["z"], abs=1e-9)


def test_the_tail_is_hypergeometric_and_never_below_it() -> None:
    scheme = Unigram(1000, 0.3)
    units = scheme.units(np.arange(400))
    for green in (0, 1, 100, 130, 160, 300, 301):
        true = hypergeom.logsf(green - 1, 1000, 300, 400)
        found = unigram_log_tail(scheme, units, green)
        assert found >= true - 1e-12
        assert found == true == -math.inf or found <= true + 1e-6
        bound = scheme.log_tails(COUNTING, units, np.array([green]))[0]
        assert bound >= true - 1e-9


def test_the_factor_bounds_every_outcome() -> None:
    """All outcomes of all small draws: the worst of them is met, and none is above."""
    for size, ones, count in product((5, 9), (1, 3, 4), (1, 2, 4)):
        bound = log_factor(np.array([count]), size, ones)
        worst = -math.inf
        for outcome in product((0, 1), repeat=count):
            green, left, chance = 0, 0, 1.0
            for bit in outcome:
                chance *= (ones - green if bit else size - ones - left) / (size - green - left)
                green, left = green + bit, left + 1 - bit
            free = (ones / size) ** green * (1 - ones / size) ** left
            worst = max(worst, math.log(chance / free) if chance > 0 else worst)
        assert worst - 1e-12 <= bound <= worst + 1e-6


def test_lists_are_added_up() -> None:
    one = log_factor(np.array([5]), 100, 25)
    assert log_factor(np.array([5, 1, 5, 1]), 100, 25) == pytest.approx(2 * one)
    assert log_factor(np.zeros(0, np.int64), 100, 25) == 0
    assert log_hypergeometric_tail(0, 3, 5, 10) == 0


def test_tokens_outside_the_vocabulary_are_left_out() -> None:
    scheme = Unigram(10)
    assert scheme.units(np.array([3, 10, 2**32 - 2, 3])).token.tolist() == [3]
    assert len(scheme.units(np.zeros(0, np.int64))) == 0
    assert len(scheme.units(np.full(10**6, 4))) == 1
    with pytest.raises(UsageError, match="vocabulary"):
        scheme.values(MarkKey("k", (1,)), Unigram(100).units(np.array([50])))


@pytest.mark.parametrize(
    "config", [{"vocab_size": 10, "fraction": 0.01}, {"vocab_size": 10, "fraction": 1.0}]
)
def test_lists_of_none_or_all_are_refused(config: dict) -> None:
    with pytest.raises(ConfigurationError):
        unigram(config)
    with pytest.raises(ConfigurationError, match=r"2\^63"):
        Unigram(10).values(MarkKey("k", (2**63,)), Unigram(10).units(np.array([1])))
