"""The arithmetic under an estimate: exact bounds, accepted sets, and coverage where the truth is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from headwater.provenance.prevalence.estimate import inferred
from headwater.provenance.prevalence.fitted import GIVEN, LEVELS, Fitted, fitted, loaded, written
from headwater.provenance.prevalence.interval import accepted, clopper_pearson
from headwater.provenance.prevalence.mixture import (
    EDGES,
    SHARES,
    Spread,
    counted,
    law,
    laws,
    likelihood,
    referred,
)
from headwater.provenance.prevalence.result import NotEstimated, Prevalence


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [  # R 4: binom.test(x, n)$conf.int
        (0, 10, 0.0, 0.3084971),
        (1, 10, 0.002528579, 0.4450161),
        (5, 10, 0.187086, 0.812914),
        (10, 10, 0.6915029, 1.0),
        (183, 200, 0.8674142, 0.9496669),
    ],
)
def test_clopper_pearson_gives_known_bounds(found: int, of: int, low: float, high: float) -> None:
    assert clopper_pearson(found, of, 0.95) == pytest.approx((low, high), abs=2e-4)


def test_an_interval_ends_where_the_likelihood_has_dropped_by_the_critical_value() -> None:
    log = -((SHARES - 0.3) ** 2) / (2 * 0.05**2)
    low, high = accepted(log, np.full(len(SHARES), 1.92))
    assert (low, high) == pytest.approx((0.202, 0.398), abs=0.01)


def test_an_interval_can_hold_nothing_shown_and_everything() -> None:
    assert accepted(np.zeros(len(SHARES)), np.ones(len(SHARES))) == (0.0, 1.0)
    falling = -50 * SHARES
    low, high = accepted(falling, np.ones(len(SHARES)))
    assert low == 0.0
    assert high == pytest.approx(0.02)


def test_laws_are_laws() -> None:
    assert law(0.0, 1.0).sum() == pytest.approx(1.0)
    grid = laws(Spread(-1.0, 1.0, 0.0, 0.2), 5, (-1.0, 0.0, 1.0))
    assert grid.bins.shape == (15, len(EDGES) - 1)
    assert grid.bins.sum(1) == pytest.approx(np.ones(15))
    assert np.exp(grid.log_prior).sum() == pytest.approx(1.0)


def test_a_reference_narrows_what_is_likely() -> None:
    rng = np.random.default_rng(1)
    sample = np.concatenate([rng.normal(-1.5, 1, 700), rng.normal(1.5, 1, 300)])
    human, machine = referred(rng.normal(-1.5, 1, 400)), referred(rng.normal(1.5, 1, 400))
    grids = laws(fitted().human, 12, (-1.0, 0.0, 1.0)), laws(fitted().machine, 6, (-1.0, 0.0, 1.0))
    known, unknown = (
        likelihood(counted(sample), human, machine, 300),
        likelihood(counted(sample), *grids, 300),
    )
    assert abs(SHARES[known.log.argmax()] - 0.3) <= 0.05
    assert (known.log > -2).sum() < (unknown.log > -2).sum()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5])
def test_the_interval_holds_the_truth_in_domains_drawn_from_the_spread(share: float) -> None:
    """Scores of skewed laws (transformed Beta), whose places and widths vary."""
    found, rng = fitted(), np.random.default_rng(int(share * 1000) + 3)

    def drawn(spread: Spread, size: int, nearer: float = 0.0) -> np.ndarray:
        place = spread.place - nearer + 0.5 * spread.place_sd * rng.standard_normal()
        width = np.exp(spread.log_width + 0.8 * spread.log_width_sd * rng.standard_normal())
        a, b = rng.uniform(5, 12, 2)
        beta = rng.beta(a, b, size)
        scaled = (beta - a / (a + b)) / np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        return np.asarray(place + width * scaled)

    held, widths = 0, []
    for _ in range(40):
        many = rng.binomial(600, share)
        sample = np.concatenate([drawn(found.human, 600 - many, 1.0), drawn(found.machine, many)])
        said = inferred(sample, found, human=None, machine=None, given="none", level=0.95)
        assert isinstance(said, Prevalence)
        held += said.low <= share <= said.high
        widths.append(said.high - said.low)
    assert held >= 35
    assert np.median(widths) < (0.5 if share < 0.5 else 1.0)


def test_with_both_references_the_interval_is_narrow_and_holds() -> None:
    found, rng, held, widths = fitted(), np.random.default_rng(9), 0, []
    for _ in range(20):
        sample = np.concatenate([rng.normal(-1.5, 1, 900), rng.normal(1.5, 1.2, 100)])
        said = inferred(
            sample,
            found,
            human=rng.normal(-1.5, 1, 300),
            machine=rng.normal(1.5, 1.2, 300),
            given="both",
            level=0.95,
        )
        assert isinstance(said, Prevalence)
        held += said.low <= 0.1 <= said.high
        widths.append(said.high - said.low)
    assert held >= 18
    assert np.median(widths) < 0.35


def test_scores_of_no_known_shape_are_refused() -> None:
    sample = np.concatenate([np.full(500, -4.2), np.full(500, 4.2)])
    said = inferred(sample, fitted(), human=None, machine=None, given="none", level=0.95)
    assert isinstance(said, NotEstimated)
    assert "no mixture" in said.reason


def test_a_higher_level_gives_no_narrower_interval() -> None:
    rng = np.random.default_rng(2)
    sample = np.concatenate([rng.normal(-2, 0.9, 700), rng.normal(1, 1.2, 300)])
    ends = []
    for level in LEVELS:
        said = inferred(sample, fitted(), human=None, machine=None, given="none", level=level)
        assert isinstance(said, Prevalence)
        ends.append((said.low, said.high))
    assert all(b[0] <= a[0] and b[1] >= a[1] for a, b in pairwise(ends))


def test_what_ships_is_small_whole_and_read_as_written() -> None:
    found = fitted()
    assert found.critical.shape[:2] == (len(GIVEN), len(LEVELS))
    assert (found.critical > 0).all()
    assert found.scorer.known.sum() > 1000
    data = written(found)
    assert len(data) < 300_000
    again: Fitted = loaded(data)
    assert again.human == found.human
    assert np.allclose(again.scorer.weights, found.scorer.weights, atol=1e-6)
    assert written(again) == data
