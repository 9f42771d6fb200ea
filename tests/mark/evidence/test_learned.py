"""Learned detectors: what they gain on made-up traffic, that their law holds without the key, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark.evidence import (
    GRAIN,
    by_class,
    by_class_of_chances,
    engine_sum,
    grid,
    mixture,
    mixture_of_chances,
)
from headwater.mark.evidence.density import edges, of_chances, of_values, rising, widths
from headwater.mark.law import log_tail
from headwater.mark.scheme import Null
from headwater.mark.score import Scorer
from mark.evidence.synthetic import NULL, laws, served, units


def _log_p(scorer: Scorer, values: np.ndarray, classes: np.ndarray | None = None) -> float:
    total = int(scorer.scores(values, classes).sum())
    every = units(len(values), np.zeros(len(values), np.int64))
    return log_tail(scorer.parts(NULL, every, classes), total)


def test_chances_tell_how_values_fall() -> None:
    random = np.random.default_rng(1)
    chances = laws(random, 60_000)
    tokens, values = served(random, chances)
    bins = edges(NULL)
    told = of_chances(NULL, bins, chances[np.arange(len(tokens)), tokens])
    seen = of_values(bins, values[:, 0])
    assert told.sum() == pytest.approx(1)
    error = np.sqrt(told / len(tokens)) + 1e-9
    assert (np.abs(told - seen) < 5 * error).all()


def test_more_evidence_the_more_is_known_of_a_unit() -> None:
    random = np.random.default_rng(2)
    chances = laws(random, 24_000, sharp=4.0)
    tokens, values = served(random, chances)
    own = chances[np.arange(len(tokens)), tokens]
    guess = np.log(own) + random.normal(size=len(own)) * 0.5
    cells = grid(guess[:12_000, None], [8])
    classes = cells.classes(guess[:, None])
    tune, test = slice(0, 12_000), slice(12_000, None)
    plain = _log_p(engine_sum(NULL), values[test])
    by_values = _log_p(mixture(NULL, values[tune]), values[test])
    by_chances = _log_p(mixture_of_chances(NULL, own[tune]), values[test])
    classed = _log_p(by_class(NULL, values[tune], classes[tune], cells.count), values[test], classes[test])
    best = _log_p(
        by_class_of_chances(NULL, own[tune], classes[tune], cells.count), values[test], classes[test]
    )
    assert by_values < 1.03 * plain
    assert by_chances < 1.03 * plain
    assert by_chances <= by_values * 0.99 or abs(by_chances / by_values - 1) < 0.02
    assert classed < 1.3 * plain
    assert best < classed


def test_without_the_key_p_values_are_uniform_or_larger() -> None:
    random = np.random.default_rng(3)
    chances = laws(random, 4000)
    tokens, _ = served(random, chances)
    own = chances[np.arange(len(tokens)), tokens]
    cells = grid(np.log(own)[:, None], [5])
    scorer = by_class_of_chances(NULL, own, cells.classes(np.log(own)[:, None]), cells.count)
    found = np.array(
        [
            _log_p(
                scorer,
                random.integers(0, 2**24, (60, 1), np.uint32),
                cells.classes(np.log(own[:60])[:, None]),
            )
            for _ in range(400)
        ]
    )
    for level in (0.5, 0.1, 0.02):
        assert (found <= np.log(level)).mean() < level + 4 * np.sqrt(level / 400)
    assert (found <= np.log(0.5)).mean() > 0.4


def test_bits_are_learned_layer_by_layer() -> None:
    random = np.random.default_rng(4)
    chance = np.array([0.5, 0.7, 0.9])
    values = (random.random((20_000, 3)) < chance).astype(np.uint32)
    tables = mixture(Null(2), values, doubt=0.0).tables[0]
    found = np.array([table.scores for table in tables]) * GRAIN
    assert np.allclose(found, np.log(np.stack([1 - chance, chance], 1) / 0.5), atol=0.04)


def test_a_green_list_is_learned_by_class() -> None:
    random = np.random.default_rng(5)
    null = Null(1000, ones=250)
    classes = random.integers(0, 2, 20_000)
    values = (random.random((20_000, 1)) < np.array([0.3, 0.8])[classes][:, None]).astype(np.uint32)
    scorer = by_class(null, values, classes, 2, doubt=0.0)
    gains = [kind[0].scores[1] * GRAIN for kind in scorer.tables]
    assert np.allclose(gains, np.log([0.3 / 0.25, 0.8 / 0.25]), atol=0.05)


def test_doubt_bounds_what_one_unit_can_say_against_a_mark() -> None:
    chances = np.full(5000, 0.02)
    sure = mixture_of_chances(NULL, chances, doubt=0.001).tables[0][0]
    doubtful = mixture_of_chances(NULL, chances, doubt=0.2).tables[0][0]
    assert sure.scores[0] < doubtful.scores[0]
    assert doubtful.scores[0] * GRAIN >= np.log(0.2) - GRAIN


def test_densities_are_made_to_rise_and_keep_their_mass() -> None:
    bins = edges(NULL)
    wide = widths(NULL, bins)
    found = rising(np.random.default_rng(6).dirichlet(np.ones(len(wide))), wide)
    assert found.sum() == pytest.approx(1)
    assert (np.diff(found / wide) >= -1e-9).all()


def test_what_cannot_be_learned_from_is_refused() -> None:
    none = np.zeros((0, 1), np.uint32)
    with pytest.raises(UsageError):
        mixture(NULL, none)
    with pytest.raises(UsageError):
        by_class_of_chances(Null(2), np.ones(3), np.zeros(3, np.intp), 1)
    with pytest.raises(UsageError):
        grid(np.ones((3, 1)), [2]).classes(np.ones((3, 2)))
