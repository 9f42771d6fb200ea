"""Tails of large sums against closed forms: binomial, negative binomial, many different parts, unequal weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betainc

from headwater.mark.law import Law, Part, log_chernoff, log_tail, log_tails, moments
from headwater.mark.tails.counts import log_binomial_tail, log_hypergeometric_tail


def log_ratio(above: int, below: int) -> float:
    """ln of a ratio of whole numbers of any size."""
    return math.log(above) - math.log(below)


def binomial_tail(hits: int, draws: int, of: int) -> float:
    """ln P(at least `hits` of `draws`), each with chance 1/`of`, above the mean: in whole numbers."""
    term = math.comb(draws, hits) * (of - 1) ** (draws - hits)
    total, first = 0, term
    while hits <= draws and term * 10**15 > first:
        total += term
        term = term * (draws - hits) // ((hits + 1) * (of - 1))
        hits += 1
    return log_ratio(total, of**draws)


@pytest.mark.parametrize(
    ("hits", "draws", "of"),
    [
        (800, 3000, 4),
        (2990, 3000, 4),
        (2999, 3000, 4),
        (3000, 3000, 4),
        (12_000, 20_000, 4),
        (19_000, 20_000, 4),
        (50_500, 100_000, 2),
        (99_000, 100_000, 2),
        (900, 1000, 2**32),
    ],
)
def test_a_binomial_tail_is_exact_down_to_e_to_the_minus_68_000(hits: int, draws: int, of: int) -> None:
    true = binomial_tail(hits, draws, of)
    for found in (
        log_binomial_tail(hits, draws, 1 / of),
        log_tail([Part(Law(0, np.array([1 - 1 / of, 1 / of])), 1, draws)], hits),
    ):
        assert true - 1e-9 <= found <= true + 1e-6


@pytest.mark.parametrize("count", [3, 50, 2000])
@pytest.mark.parametrize("deviations", [-1, 1, 5, 30])
def test_a_sum_of_fine_grains_of_an_exponential_law_is_exact(count: int, deviations: int) -> None:
    # Grains of 1/64 of Gumbel's score: a geometric law, whose sum is negative binomial.
    chance = (63 / 64) ** np.arange(9000) / 64
    part = Part(Law(0, chance), 1, count)
    mean, variance = moments([part])
    assert mean == pytest.approx(63 * count)
    assert variance == pytest.approx(63 * 64 * count)
    total = round(mean + deviations * math.sqrt(variance))
    trials = total + count - 1
    few, term = 0, 63**trials
    for hits in range(count):
        few += term
        term = term * (trials - hits) // (63 * (hits + 1))
    assert log_ratio(few, 64**trials) - 1e-9 <= log_tail([part], total) <= log_ratio(few, 64**trials) + 1e-6


def test_hundreds_of_different_parts_are_as_exact_as_one() -> None:
    # As a provider's test has them: each token a law of its own, two points far apart.
    random = np.random.default_rng(5)
    parts, law = [], np.ones(1)
    for jump, hit in zip(
        random.integers(20, 400, 300).tolist(), random.uniform(0.001, 0.9, 300), strict=True
    ):
        chance = np.zeros(jump + 1)
        chance[0], chance[jump] = 1 - hit, hit
        parts.append(Part(Law(-7, chance)))
        law = np.pad(law, (0, jump)) * (1 - hit) + np.pad(law, (jump, 0)) * hit
    true = np.log(np.cumsum(law[::-1])[::-1])
    places = np.flatnonzero(true > -650)[:: len(law) // 40]
    found = log_tails(parts, places - 7 * 300)
    assert places[-1] > 0.8 * len(law)
    assert np.all(found >= true[places] - 1e-9)
    assert np.all(found <= true[places] + 1e-6)


def test_a_unit_read_a_million_times_beside_others_moves_no_total_by_much() -> None:
    chance = (15 / 16) ** np.arange(300) / 16
    once, often = Law(0, chance / chance.sum()), Law(0, chance / chance.sum())
    parts = [Part(once, 1, 400), Part(once, 7, 30), Part(often, 1_000_000, 3)]
    three = np.convolve(np.convolve(often.chance, often.chance), often.chance)
    mean, _ = moments(parts[:2])
    for total in (4_000_000 + round(mean), 100_000_000 + round(mean) + 500, 300_000_000 + round(mean) - 900):
        # Rounding up four integers, of a sum that spreads over 10^8, is worth less than a thousand.
        true, moved = (
            math.log(float(three @ np.exp(log_tails(parts[:2], least - 1_000_000 * np.arange(len(three))))))
            for least in (total, total - 1000)
        )
        found = log_tail(parts, total)
        assert true - 2e-6 <= found <= moved + 2e-6
        assert found <= log_chernoff(parts, total)


@pytest.mark.parametrize(("count", "above"), [(10**6, 1e-7), (10**7, 1e-4)])
def test_sums_of_a_whole_corpus_are_nearly_exact(count: int, above: float) -> None:
    part = Part(Law(0, (63 / 64) ** np.arange(4000) / 64), 1, count)
    mean, variance = moments([part])
    total = round(mean + 3 * math.sqrt(variance))
    true = math.log(betainc(total, count, 63 / 64))
    assert true - 1e-8 <= log_tail([part], total) <= true + above


def test_a_million_equal_tokens_are_one_unit() -> None:
    law = Law(2, np.array([0.5, 0.25, 0.25]))
    assert log_tail([Part(law, 10**6)], 3 * 10**6 + 1) == pytest.approx(math.log(0.25), abs=1e-9)
    assert log_tail([Part(law, 10**6)], 3 * 10**6) == pytest.approx(math.log(0.5), abs=1e-9)


@pytest.mark.parametrize("size", [1, 7, 60, 400])
def test_draws_without_replacement_are_counted_exactly(size: int) -> None:
    random = np.random.default_rng(size)
    for marked, draws in random.integers(0, size + 1, (40, 2)).tolist():
        ways = [math.comb(marked, k) * math.comb(size - marked, draws - k) for k in range(draws + 1)]
        for hits in {0, 1, draws, draws * marked // size, draws * marked // size + 1}:
            above, below = sum(ways[hits:]), sum(ways[:hits])
            true = -math.inf
            if above:
                true = math.log1p(-(below / sum(ways))) if below < above else log_ratio(above, sum(ways))
            found = log_hypergeometric_tail(hits, draws, marked, size)
            assert found == true or true - 1e-9 <= found <= true + 1e-6


def test_of_a_vocabulary_every_distinct_token_may_be_green() -> None:
    true = log_ratio(math.comb(64_128, 5000), math.comb(256_512, 5000))
    assert true - 1e-9 <= log_hypergeometric_tail(5000, 5000, 64_128, 256_512) <= true + 1e-6
