"""SynthID: transformers' values, mask and marked text, and the exact law of sums under random keys."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.errors import ConfigurationError, UsageError
from headwater.mark import law
from headwater.mark.engines import shifts
from headwater.mark.engines.synthid import (
    SynthID,
    mean,
    sampling_table,
    shifted_table,
    synthid,
    weighted_mean,
    weights,
)
from headwater.mark.engines.totals import total_scores
from headwater.mark.scheme import MarkKey, Null, Units
from headwater.mark.score import Scorer, Table

RECORDED = json.loads((Path(__file__).parents[2] / "vectors/marks/synthid.json").read_text())
SETTINGS = (
    "ngram_len",
    "context_history_size",
    "sampling_table_size",
    "sampling_table_seed",
    "skip_first_ngram_calls",
)


def scheme_of(case: dict[str, Any], **changed: Any) -> tuple[SynthID, MarkKey]:
    known = {name: value for name, value in case["settings"].items() if name in SETTINGS}
    numbers = tuple(number % 2**64 for number in case["settings"]["keys"])
    return synthid({"layers": len(numbers), **known, **changed}), MarkKey("k", numbers)


def bits(case: dict[str, Any]) -> np.ndarray:
    count = len(case["settings"]["keys"])
    return np.array([[int(bit) for bit in f"{int(row, 16):0{count}b}"] for row in case["values"]], np.uint32)


def every_window(case: dict[str, Any], width: int) -> Units:
    tokens = np.array(case["tokens"])
    at = np.arange(width, len(tokens))
    return Units(tokens[at[:, None] + np.arange(-width, 0)], tokens[at], at, np.ones_like(at), len(tokens))


CASES = pytest.mark.parametrize("case", RECORDED["cases"] + RECORDED["generated"])


@CASES
def test_values_are_the_engines(case: dict[str, Any]) -> None:
    scheme, key = scheme_of(case)
    assert np.array_equal(scheme.values(key, every_window(case, scheme.width)), bits(case))


@CASES
def test_units_are_the_windows_that_the_engine_does_not_mask(case: dict[str, Any]) -> None:
    scheme, key = scheme_of(case, whole=False)
    units = scheme.units(np.array(case["tokens"]))
    kept = [place + scheme.width for place, bit in enumerate(case["mask"]) if bit == "1"]
    assert units.times.sum() == len(kept)
    assert set(units.position) <= set(kept)
    values = scheme.values(key, units)
    total = int((values * units.times[:, None]).sum())
    assert total / (len(kept) * scheme.layers) == pytest.approx(case["mean"], abs=1e-12)
    weighted = int(weighted_mean(scheme.layers).scores(values) @ units.times)
    assert weighted / (sum(weights(scheme.layers)) * len(kept)) == pytest.approx(
        case["weighted_mean"], abs=1e-6
    )


@pytest.mark.parametrize("case", RECORDED["generated"])
def test_the_positions_that_generation_marked_are_found(case: dict[str, Any]) -> None:
    """Zeros before the answer, repetitions within the history, and the first tokens where they are skipped."""
    scheme, _ = scheme_of(case)
    tokens = np.array(case["prompt"] + case["tokens"])
    units = scheme.units(tokens, prompt=8)
    marked = {place + 8 for place, bit in enumerate(case["marked"]) if bit == "1"}
    assert units.times.sum() == len(marked)
    assert set(units.position) <= marked
    assert units.tokens == len(case["tokens"])
    assert (units.token == tokens[units.position]).all()


@pytest.mark.parametrize("case", RECORDED["generated"])
@pytest.mark.parametrize("statistic", [mean, weighted_mean])
def test_text_that_transformers_marked_is_marked(case: dict[str, Any], statistic: Any) -> None:
    scheme, key = scheme_of(case)
    units = scheme.units(np.array(case["tokens"]))
    scorer = statistic(scheme.layers)
    total = total_scores(scheme, [key], units, scorer)
    assert scheme.log_tails(scorer, units, total)[0] < -30
    random = np.random.default_rng(1)
    decoys = total_scores(scheme, [scheme.random_key(random) for _ in range(300)], units, scorer)
    tails = scheme.log_tails(scorer, units, decoys)
    assert tails.min() > math.log(1e-5)
    assert 0.4 < np.mean(tails <= math.log(0.5)) < 0.6


def test_the_law_of_one_layer_is_that_of_all_its_keys() -> None:
    """Every key there is, one by one: the tail of each total is its share of keys, repeated windows or not."""
    scheme = SynthID(layers=1, ngram_len=2, sampling_table_size=256, context_history_size=1)
    units = scheme.units(np.random.default_rng(2).integers(0, 9, 400))
    assert (units.times > 1).any()
    scorer = Scorer("odd", ((Table(np.array([0, 1, 2]), np.array([-2, 5]), 1.0),),) * 2)
    classes = (units.token % 2).astype(np.intp)
    keys = [MarkKey("k", (number + 256 * 10**9,)) for number in range(256)]
    totals = np.array([scorer.scores(scheme.values(key, units), classes) @ units.times for key in keys])
    tails = scheme.log_tails(scorer, units, totals, classes)
    share = [np.mean(totals >= total) for total in totals]
    assert np.allclose(tails, np.log(share), atol=1e-5)
    assert (tails >= np.log(share) - 1e-12).all()
    assert np.array_equal(total_scores(scheme, keys, units, scorer, classes=classes), totals)


def test_independent_bits_and_the_exact_law_agree_where_windows_are_few() -> None:
    scheme = SynthID()
    units = scheme.units(np.random.default_rng(4).integers(0, 30_000, 60))
    scorer = weighted_mean(30)
    middle = sum(weights(30)) * len(units) // 2
    totals = middle + np.array([500, 1500, 3000])
    exact = scheme.log_tails(scorer, units, totals)
    assert np.allclose(exact, law.log_tails(scorer.parts(scheme.null, units), totals), rtol=0.15)


@pytest.mark.parametrize("size", [64, 1000])
def test_many_keys_are_summed_as_one_by_one(size: int) -> None:
    """All ways of summing, on two documents: by each key, and over all shifts of the table at once."""
    scheme = SynthID(layers=3, sampling_table_size=size)
    units = scheme.units(np.random.default_rng(5).integers(0, 1000, 90))
    random = np.random.default_rng(6)
    keys = [scheme.random_key(random) for _ in range(300)]
    starts = np.array([0, 20, len(units)])
    scorer = weighted_mean(3)
    for chosen in (keys, keys[:2]):
        found = total_scores(scheme, chosen, units, scorer, starts=starts)
        for key, row in zip(chosen, found, strict=True):
            each = scorer.scores(scheme.values(key, units)) * units.times
            assert row.tolist() == [each[:20].sum(), each[20:].sum()]


def test_a_coarser_law_errs_upwards() -> None:
    spread = np.array([0, 1, 2**22 + 1, 2**22 + 2**19])
    found, least, step = shifts._law(spread)
    assert least == 0
    assert len(found.chance) <= 2**18 + 1
    upper = np.repeat(np.arange(len(found.chance)), np.rint(found.chance * 4).astype(int)) * step
    assert (upper >= np.sort(spread)).all()


def test_windows_of_one_place_in_the_table_are_one_unit() -> None:
    scheme = SynthID(layers=30, ngram_len=2, sampling_table_size=16, whole=False)
    units = scheme.units(np.random.default_rng(0).permutation(1000))
    assert len(units) == 16
    assert units.times.sum() == 999


def test_the_tables() -> None:
    """On the CPU torch's integers; on a GPU Philox, whose first floats from seed 0 every user of torch has seen."""
    assert sampling_table(65536, 0)[:10].tolist() == [0, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    gpu = sampling_table(65536, 0, "cuda")
    assert 32_000 < gpu.sum() < 33_500
    assert not np.array_equal(gpu, sampling_table(65536, 0))
    place = (12345 * 6364136223846793005 + 1) % 65536
    assert shifted_table(65536, 0)[12345] == sampling_table(65536, 0)[place]


def test_the_null_has_the_tables_own_share_of_ones() -> None:
    assert SynthID().null == Null(65536, int(sampling_table(65536, 0).sum()))
    uneven = SynthID(layers=20, sampling_table_size=11, sampling_table_seed=5)
    units = uneven.units(np.random.default_rng(0).integers(0, 5000, 300))
    random = np.random.default_rng(1)
    share = np.mean([uneven.values(uneven.random_key(random), units).mean() for _ in range(200)])
    assert share == pytest.approx((uneven.null.ones or 0) / 11, abs=0.02)


def test_weights_are_the_references() -> None:
    assert np.allclose(np.array(weights(30)) / weights(30)[0], np.linspace(10, 1, 30) / 10)
    assert weights(1) == [1]
    assert weights(2) == [10, 1]


@pytest.mark.parametrize(
    "config",
    [
        {"layers": 0},
        {"ngram_len": 1},
        {"sampling_table_size": 2**25},
        {"device": "cuda", "sampling_table_size": 2**17},
        {"sampling_table_size": 2, "sampling_table_seed": 3},
    ],
)
def test_what_cannot_be_read_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        synthid(config)


def test_hostile_texts() -> None:
    scheme = SynthID(layers=2)
    key = MarkKey("k", (1, 2))
    empty = scheme.units(np.zeros(0, np.int64))
    assert len(empty) == 0
    assert scheme.values(key, empty).shape == (0, 2)
    assert scheme.log_tails(mean(2), empty, np.array([0]))[0] == 0
    assert len(scheme.units(np.array([7]))) == 1
    assert len(SynthID(whole=False).units(np.array([7]))) == 0
    assert len(scheme.units(np.full(10**6, 9))) == 5
    assert len(scheme.units(np.full(20, 2**32 - 2))) == 5
    with pytest.raises(UsageError):
        scheme.units(np.array([1, 2]), prompt=3)
    with pytest.raises(ConfigurationError):
        scheme.values(MarkKey("k", (1,)), scheme.units(np.array([1, 2, 3])))
