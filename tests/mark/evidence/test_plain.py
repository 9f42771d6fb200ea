"""The engines' own statistics as tables: near the real number, with the law that the table truly has."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark.evidence import GRAIN, engine_mean, engine_sum, falling_weights
from headwater.mark.law import log_tail
from headwater.mark.scheme import Null, Units

NULL = Null(2**24)


def _units(count: int) -> Units:
    places = np.arange(count, dtype=np.int64)
    return Units(places[:, None], places, places, np.ones(count, np.int64), count)


def test_the_sum_is_aaronsons_to_half_a_grain() -> None:
    values = np.unique(np.concatenate([[0, 1, 2**24 - 2, 2**24 - 1], np.arange(0, 2**24, 9973)])).astype(
        np.uint32
    )
    scores = engine_sum(NULL).scores(values[:, None])
    real = -np.log1p(-(values + 0.5) / 2**24)
    assert np.abs(scores * GRAIN - real).max() <= GRAIN / 2 * 1.0001


def test_its_law_is_the_tables_own() -> None:
    table = engine_sum(NULL).tables[0][0]
    law = table.law(NULL)
    counted = np.bincount(table(np.arange(2**24, dtype=np.uint32)), minlength=len(law.chance))
    assert law.first == 0
    assert np.allclose(law.chance * 2**24, counted, atol=1e-6)


def test_its_tail_is_gammas_up_to_the_grain() -> None:
    from scipy.stats import gamma

    scorer = engine_sum(NULL)
    parts = scorer.parts(NULL, _units(200))
    found = log_tail(parts, round(330 / GRAIN))
    # Rounding 200 scores moves the sum by a small part of a nat.
    assert gamma.logsf(331, 200) < found < gamma.logsf(329, 200)


def test_a_mean_of_bits_counts_them() -> None:
    from scipy.stats import binom

    values = np.random.default_rng(1).integers(0, 2, (50, 3)).astype(np.uint32)
    scorer = engine_mean(Null(2), weights=[1.0] * 3)
    assert scorer.scores(values).sum() == values.sum()
    assert log_tail(scorer.parts(Null(2), _units(50)), 100) == pytest.approx(
        binom.logsf(99, 150, 0.5), rel=1e-5
    )


def test_a_green_list_has_the_chance_of_its_size() -> None:
    from scipy.stats import binom

    null = Null(4096, ones=1024)
    scorer = engine_mean(null)
    assert log_tail(scorer.parts(null, _units(300)), 120) == pytest.approx(
        binom.logsf(119, 300, 0.25), rel=1e-5
    )


def test_falling_weights_fall_from_ten_to_one() -> None:
    weights = falling_weights(30)
    assert weights[0] / weights[-1] == pytest.approx(10)
    assert math.fsum(weights) == pytest.approx(30)
    table = engine_mean(Null(2), weights=weights).tables[0]
    assert [t.scores[1] for t in table][::29] == [64, 6]


@pytest.mark.parametrize("null", [Null(2), Null(4096, ones=1024)])
def test_a_sum_of_bits_logarithms_is_refused(null: Null) -> None:
    with pytest.raises(UsageError):
        engine_sum(null)


def test_weights_that_no_layer_can_have_are_refused() -> None:
    with pytest.raises(UsageError):
        engine_mean(Null(2), weights=[1.0, -1.0])
    with pytest.raises(UsageError):
        engine_mean(NULL)


def test_two_keys_count_as_the_engine_counts_them() -> None:
    """vLLM weighs the values of its two keys 1 - alpha and alpha; alpha is 0.1 unless it is set."""
    from headwater.mark.evidence import standard
    from headwater.mark.registry import scheme

    first, second = standard(scheme("vllm-dual-key")).tables[0]
    top = np.array([(1 << 24) - 1], np.uint32)
    assert float(first(top)[0]) / float(second(top)[0]) == pytest.approx(9, rel=0.01)
