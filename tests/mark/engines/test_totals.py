"""Sums under many keys: the fast way adds up what the plain one does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from headwater.errors import UsageError
from headwater.mark import own
from headwater.mark.engines import sglang
from headwater.mark.engines.totals import total_scores
from headwater.mark.engines.vllm import DualKey, Gumbel
from headwater.mark.evidence.plain import standard
from headwater.mark.scheme import Units
from headwater.mark.score import Scorer, Table, tails

SCHEMES: dict[str, Any] = {
    "vllm": Gumbel(4),
    "vllm, five tokens": Gumbel(5, "none"),
    "vllm, two keys": DualKey(2),
    "own": own.Gumbel(4),
    "own, three tokens": own.Gumbel(3),
    "own, a green list": own.Tilt(1, 0.3),
    "own, two layers": own.Layered(2, coin=(3, 4)),
    "sglang": sglang.Gumbel(4),
    "sglang, two keys": sglang.Gumbel(2, 0.4),
}


def scorer(scheme: Any, classes: int, random: np.random.Generator) -> Scorer:
    """Tables of different lengths with edges anywhere, dense at the top as a detector's are."""
    size = scheme.null.size if scheme.null.ones is None else 2
    tables = []
    for _ in range(classes):
        streams = []
        for _ in range(scheme.streams):
            high = (size * -np.expm1(-np.arange(1, 900) / 64)).astype(np.int64)
            some = random.integers(1, max(size, 2), int(random.integers(1, 40)))
            inner = np.unique(np.concatenate([high, some, [1, size - 1]]))
            edges = np.concatenate([[0], inner[(inner > 0) & (inner < size)], [size]])
            streams.append(Table(edges, random.integers(-500, 900, len(edges) - 1), 1 / 64))
        tables.append(tuple(streams))
    return Scorer("test", tuple(tables))


def plain(scheme: Any, keys: Any, units: Units, by: Scorer, classes: Any, starts: Any) -> Any:
    rows = [by.scores(scheme.values(key, units), classes) * units.times for key in keys]
    return np.array([[row[a:b].sum() for a, b in pairwise(starts)] for row in rows])


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("classes", [1, 3])
def test_sums_are_the_plain_ones(name: str, classes: int) -> None:
    scheme = SCHEMES[name]
    random = np.random.default_rng(classes)
    units = scheme.units(random.zipf(1.4, 3000) % 900)
    by = scorer(scheme, classes, random)
    keys = [scheme.random_key(random) for _ in range(7)]
    kinds = random.integers(0, classes, len(units))
    cuts = np.sort(random.integers(0, len(units) + 1, 5))
    starts = np.concatenate([[0], cuts, [len(units)]])
    found = total_scores(scheme, keys, units, by, classes=kinds, starts=starts)
    assert np.array_equal(found, plain(scheme, keys, units, by, kinds, starts))
    whole = total_scores(scheme, keys, units, by, classes=kinds)
    assert np.array_equal(whole, found.sum(axis=1))


@pytest.mark.parametrize("name", SCHEMES)
def test_sums_under_random_keys_fall_as_their_law_says(name: str) -> None:
    """Token ids that follow each other: what a weak function would betray itself on."""
    scheme, random, count = SCHEMES[name], np.random.default_rng(12), 4000
    units = scheme.units(np.arange(400))
    by = standard(scheme)
    sums = total_scores(scheme, [scheme.random_key(random) for _ in range(count)], units, by)
    different, which = np.unique(sums, return_inverse=True)
    chances = np.exp(tails(scheme, by, units, different))[which]
    for level in (0.5, 0.1, 0.01):
        few, many = binom.ppf([1e-6, 1 - 1e-6], count, level)
        # the sums are whole numbers, so a level is met at most
        assert few * 0.9 <= np.count_nonzero(chances <= level) <= many


def test_no_units_and_no_keys() -> None:
    scheme, random = Gumbel(), np.random.default_rng(1)
    by, none = scorer(scheme, 1, random), scheme.units(np.array([], np.int64))
    assert total_scores(scheme, [scheme.random_key(random)], none, by).tolist() == [0]
    assert total_scores(scheme, [], scheme.units(np.arange(9)), by).tolist() == []


def test_what_doesnt_fit_the_units_is_refused() -> None:
    scheme, random = Gumbel(), np.random.default_rng(1)
    by, units = scorer(scheme, 1, random), scheme.units(np.arange(9))
    keys = [scheme.random_key(random)]
    for wrong in ({"starts": [0, 5]}, {"starts": [0, 7, 3, 9]}, {"classes": [1] * 9}, {"classes": [0] * 8}):
        with pytest.raises(UsageError):
            total_scores(scheme, keys, units, by, **{name: np.array(each) for name, each in wrong.items()})
