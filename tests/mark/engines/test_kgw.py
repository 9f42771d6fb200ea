"""Green lists by context: the engines' own lists and counts, text that transformers marked, and what is left out."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.engines import kgw_seeds
from headwater.mark.engines.kgw import Kgw, kgw
from headwater.mark.engines.torch_random import randperm
from headwater.mark.scheme import MarkKey, Units
from headwater.mark.score import Scorer, Table

FOLDER = Path(__file__).parents[2] / "vectors/marks"
RECORDED = json.loads((FOLDER / "kgw.json").read_text())
OTHERS = json.loads((FOLDER / "kgw_others.json").read_text())
COUNTING = Scorer("green", ((Table(np.array([0, 1, 2]), np.array([0, 1]), 1.0),),))


def scheme_of(case: dict[str, Any]) -> tuple[Kgw, MarkKey]:
    config = {name: value for name, value in case["settings"].items() if name not in {"bias", "hashing_key"}}
    number = case["key"] if "key" in case else case["settings"]["hashing_key"]
    return kgw({"vocab_size": case["vocab_size"], **config}), MarkKey("k", (number,))


def windows_of(case: dict[str, Any], scheme: Kgw, first: int) -> Units:
    """Every position from `first` on as a unit of its own."""
    tokens = np.array(case["tokens"])
    at = np.arange(first, len(tokens))
    return Units(
        tokens[at[:, None] + np.arange(-scheme.width, 0)], tokens[at], at, np.ones_like(at), len(tokens)
    )


def name_of(case: dict[str, Any]) -> str:
    scheme = case["settings"].get("seeding_scheme", "markllm")
    return f"{scheme}-{case['settings'].get('f_scheme', '')}-{case['vocab_size']}"


@pytest.mark.parametrize("case", RECORDED["cases"] + RECORDED["generated"] + OTHERS["cases"], ids=name_of)
def test_green_is_what_the_engine_calls_green(case: dict[str, Any]) -> None:
    scheme, key = scheme_of(case)
    first = case.get("first", case["settings"]["context_width"])
    found = scheme.green(key, windows_of(case, scheme, first))
    assert "".join(map(str, found[:, 0])) == case["green"]


COUNTED = [
    case
    for case in RECORDED["cases"] + RECORDED["generated"]
    if case["settings"]["seeding_scheme"] == "selfhash" or case["settings"]["context_width"] == 1
]


@pytest.mark.parametrize("case", COUNTED, ids=name_of)
def test_counts_are_those_of_the_engines_detector(case: dict[str, Any]) -> None:
    """All repetitions counted, but for the contexts that are no evidence: those after token 0 with lefthash."""
    scheme, key = scheme_of(case)
    tokens = case["tokens"]
    own = case["settings"]["seeding_scheme"] == "selfhash"
    units = scheme.units(np.array(tokens))
    empty = [i for i in range(1, len(tokens)) if tokens[i - 1] == 0 and not own]
    green = int(scheme.green(key, units)[:, 0] @ units.times)
    assert units.times.sum() + len(empty) == case["detector"]["all"][0]
    assert green + sum(int(case["green"][i - 1]) for i in empty) == case["detector"]["all"][1]


@pytest.mark.parametrize("case", RECORDED["generated"], ids=name_of)
def test_text_that_transformers_marked_is_marked(case: dict[str, Any]) -> None:
    scheme, key = scheme_of(case)
    units = scheme.units(np.array(case["tokens"]), prompt=case["prompt"])
    assert units.tokens == len(case["tokens"]) - case["prompt"]
    assert units.position.min() >= case["prompt"]

    def tail(under: MarkKey) -> float:
        once = replace(units, times=np.ones_like(units.times))
        green = COUNTING.scores(scheme.values(under, units)).sum()
        return float(scheme.log_tails(COUNTING, once, np.array([green]))[0])

    assert tail(key) < float(norm.logsf(case["detector"]["z"])) / 2 < -60
    random = np.random.default_rng(3)
    decoys = np.array([tail(scheme.random_key(random)) for _ in range(200)])
    assert decoys.min() > math.log(1e-4)
    assert 0.3 < np.mean(decoys < math.log(0.5)) < 0.65


def test_after_token_0_nothing_depends_on_the_key() -> None:
    scheme = Kgw(1000)
    assert scheme.units(np.array([0, 5, 0, 7, 8])).position.tolist() == [2, 4]
    zero = Units(np.zeros((50, 1), np.int64), np.arange(50), np.arange(50), np.ones(50, np.int64), 50)
    one, other = (scheme.values(scheme.random_key(np.random.default_rng(seed)), zero) for seed in (1, 2))
    assert np.array_equal(one, other)


def test_windows_of_one_seed_are_one_piece_of_evidence() -> None:
    """selfhash takes the least of products: windows that share it and the token can't differ, under this key."""
    scheme = Kgw(50, seeding_scheme="selfhash", context_width=4)
    units = scheme.units(np.random.default_rng(0).integers(1, 50, 4000))
    key = MarkKey("k", (15485863,))
    first = scheme.distinct(key, units)
    assert 0 < first.sum() < 0.7 * len(units)
    window = np.concatenate([units.context, units.token[:, None]], axis=1)
    seeds = kgw_seeds.own(15485863, window, public=False)
    assert first.sum() == len(set(zip(seeds.tolist(), units.token.tolist(), strict=True)))
    values = dict(
        zip(
            zip(seeds[first], units.token[first], strict=True),
            scheme.values(key, units.part(first))[:, 0],
            strict=True,
        )
    )
    every = scheme.green(key, units)[:, 0]
    assert all(
        values[seed, token] == value for seed, token, value in zip(seeds, units.token, every, strict=True)
    )


def test_what_shares_a_seed_falls_as_the_null_says() -> None:
    """Values of units that are no evidence of their own don't follow those that are: over keys, sums spread as they
    would if all units were independent, where the engine's own lists spread much wider."""
    scheme = Kgw(60, seeding_scheme="selfhash", context_width=4, greenlist_ratio=0.5)
    units = scheme.units(np.random.default_rng(0).integers(1, 60, 3000))
    random = np.random.default_rng(1)
    keys = [scheme.random_key(random) for _ in range(150)]
    spread = math.sqrt(len(units) * 0.25)
    sums = np.array([scheme.values(key, units).sum() for key in keys])
    assert 0.8 < sums.std() / spread < 1.2
    assert abs(sums.mean() - len(units) / 2) < 4 * spread / math.sqrt(150)
    assert np.std([scheme.green(key, units).sum() for key in keys]) > 1.4 * spread


def test_markllm_contexts_of_one_number_are_one_unit() -> None:
    scheme = Kgw(100, engine="markllm", f_scheme="additive", context_width=2, greenlist_ratio=0.5)
    units = scheme.units(np.array([3, 4, 9, 4, 3, 9, 3, 4, 9]))
    nines = units.part(units.token == 9)
    assert nines.position.tolist() == [2]
    assert nines.times.tolist() == [3]


def test_seeds_beyond_64_bits_are_pythons() -> None:
    last = np.array([0, 1, 7, 50_000, 2**32 - 1])
    for key in (1, 15485863, 2**63 + 12345, 2**64 - 1):
        expected = [key * token % (2**64 - 1) % 2**32 for token in last.tolist()]
        assert kgw_seeds.left(key, last).tolist() == expected


@pytest.mark.parametrize("count", [1, 3, 9])
def test_values_are_the_permutations(count: int) -> None:
    """A context with few tokens and with many, and lm-watermarking's legacy lists."""
    tokens = np.arange(count) * 7
    for direct in (True, False):
        scheme = Kgw(700, greenlist_ratio=0.4, select_green_tokens=direct, engine="lm-watermarking")
        units = Units(np.full((count, 1), 12), tokens, tokens, np.ones(count, np.int64), count)
        permutation = randperm(700, 99 * 12)
        listed = permutation[:280] if direct else permutation[-280:]
        expected = [int(token in listed) for token in tokens]
        assert scheme.values(MarkKey("k", (99,)), units)[:, 0].tolist() == expected


def test_settings_by_markllms_names() -> None:
    scheme = kgw({"vocab_size": 100, "engine": "markllm", "gamma": 0.5, "prefix_length": 3})
    assert scheme == Kgw(100, 0.5, engine="markllm", context_width=3)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"vocab_size": 1000, "device": "cuda"}, "device"),
        ({"vocab_size": 1}, "vocab_size"),
        ({"vocab_size": 1000, "greenlist_ratio": 0.0001}, "greenlist_ratio"),
        ({"vocab_size": 1000, "context_width": 0}, "context_width"),
        ({"vocab_size": 1000, "engine": "markllm", "seeding_scheme": "selfhash"}, "seeding_scheme"),
        ({"vocab_size": 1000, "seeding_scheme": "minhash"}, "seeding_scheme"),
    ],
)
def test_what_cannot_be_read_is_refused(config: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        kgw(config)
    assert refused.value.where.field == field


def test_hostile_texts() -> None:
    scheme = Kgw(1000)
    key = MarkKey("k", (5,))
    for tokens in ([], [3], [2**32 - 2] * 5, [0] * 5):
        units = scheme.units(np.array(tokens, np.int64))
        assert len(units) == 0
        assert scheme.values(key, units).shape == (0, 1)
        assert scheme.log_tails(COUNTING, units, np.array([0]))[0] == 0
    assert len(scheme.units(np.full(10**6, 9))) == 1
    with pytest.raises(UsageError):
        scheme.units(np.array([-1, 3]))
    with pytest.raises(UsageError, match="vocabulary"):
        scheme.values(key, Kgw(5000).units(np.array([1, 4000])))
    with pytest.raises(ConfigurationError):
        Kgw(1000, seeding_scheme="selfhash").values(MarkKey("k", (2**63,)), Kgw(1000).units(np.array([1, 2])))
