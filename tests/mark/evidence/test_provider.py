"""Races run again with recomputed laws: near the limit when they are the served ones, and true whatever they are."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark.evidence import first_of_context, lags, learn, oddness
from headwater.mark.evidence import laws as own_laws
from headwater.mark.law import log_tail, log_tails
from headwater.mark.scheme import MarkKey, Units
from mark.evidence.synthetic import SIZE, Table, laws, units

TOKENS = 12
SCHEME = Table(TOKENS)
KEY = MarkKey("k", (7,))


def _marked(count: int, seed: int) -> tuple[np.ndarray, Units]:
    """Next-token laws, and one unit a context with the token that wins its race under `KEY`."""
    random = np.random.default_rng(seed)
    chances = laws(random, count, TOKENS)
    contexts = np.arange(count, dtype=np.int64) + 100_000 * seed
    every = Units(
        np.repeat(contexts, TOKENS)[:, None], np.tile(np.arange(TOKENS), count), contexts, contexts, count
    )
    values = SCHEME.values(KEY, every).reshape(count, TOKENS)
    tokens = np.argmax(np.log(chances) - np.log(-np.log((values + 0.5) / SIZE)), axis=1)
    places = np.arange(count, dtype=np.int64)
    return chances, Units(contexts[:, None], tokens, places, np.ones(count, np.int64), count)


def _noisy(chances: np.ndarray, seed: int, scale: float) -> np.ndarray:
    logits = np.log(chances) + np.random.default_rng(seed).normal(size=chances.shape) * scale
    found = np.exp(logits)
    return found / found.sum(1, keepdims=True)


def _evidence(noise: float, *, edited: float = 0.0, key: MarkKey = KEY) -> tuple[float, float]:
    """(-ln p, sum of entropies) of 600 units, with a detector learned from 2,000 others."""
    learned = None
    for seed, count in ((1, 2000), (2, 600)):
        chances, every = _marked(count, seed)
        random = np.random.default_rng(seed + 50)
        swapped = random.random(count) < edited
        token = np.where(swapped, random.integers(0, TOKENS, count), every.token)
        every = Units(every.context, token, every.position, every.times, count)
        made = own_laws(_noisy(chances, seed, noise), every.token)
        lag, chance = lags(SCHEME, key, every, made), made.chances()
        odd = oddness(chance, 0)
        if learned is None:
            learned = learn(lag, chance, odd)
        else:
            kinds = learned.kinds(chance, odd)
            entropy = float(-(chances * np.log(chances)).sum())
            return -log_tail(kinds.parts(), int(kinds.of(lag).sum())), entropy
    raise AssertionError


def test_the_served_laws_give_the_limit() -> None:
    found, limit = _evidence(0.0)
    assert found > 0.95 * limit


def test_other_precision_costs_little() -> None:
    found, limit = _evidence(0.01)
    assert found > 0.9 * limit


def test_edits_cost_what_they_break() -> None:
    found, limit = _evidence(0.0, edited=0.3)
    assert 0.4 * limit < found < 0.8 * limit


def test_another_key_shows_nothing_however_wrong_the_laws() -> None:
    chances, every = _marked(2000, 3)
    made = own_laws(_noisy(chances, 3, 1.0), every.token)
    learned = learn(lags(SCHEME, KEY, every, made), made.chances(), oddness(made.chances(), 0))
    kinds = learned.kinds(made.chances(), oddness(made.chances(), 0))
    some = slice(0, 300)
    few, part = every.part(np.arange(300)), made.part(np.arange(300))
    random = np.random.default_rng(9)
    totals = []
    for _ in range(200):
        lag = np.concatenate([lags(SCHEME, SCHEME.random_key(random), few, part), np.zeros(1700)])
        totals.append(int(kinds.of(lag)[some].sum()))
    found = log_tails(kinds.parts(some), np.array(totals))
    for level in (0.5, 0.1, 0.02):
        assert (found <= np.log(level)).mean() < level + 4 * np.sqrt(level / 200)
    assert (found <= np.log(0.5)).mean() > 0.35


def test_the_law_of_a_lag_is_what_races_give() -> None:
    chances, every = _marked(1, 4)
    every = Units(
        np.arange(4000, dtype=np.int64)[:, None],
        np.full(4000, int(np.argsort(chances[0])[-2])),
        np.arange(4000),
        np.ones(4000, np.int64),
        4000,
    )
    made = own_laws(np.repeat(chances, 4000, axis=0), every.token)
    lag, p = lags(SCHEME, KEY, every, made), float(made.chances()[0])
    for most in (0.0, 0.5, 2.0):
        told = p * np.exp(most) / (p * np.exp(most) + 1 - p)
        assert abs((lag <= most).mean() - told) < 4 * np.sqrt(told * (1 - told) / 4000)


def test_a_token_that_the_law_forbids_says_nothing() -> None:
    chances, every = _marked(50, 5)
    chances[:, 3] = 0
    every = Units(every.context, np.full(50, 3), every.position, every.times, 50)
    made = own_laws(chances, every.token)
    assert (made.chances() == 0).all()
    assert np.isinf(lags(SCHEME, KEY, every, made)).all()
    learned = learn(np.zeros(50), np.full(50, 0.5), np.zeros(50))
    kinds = learned.kinds(made.chances(), np.zeros(50))
    assert kinds.parts() == []
    assert kinds.of(np.full(50, np.inf)).sum() == 0


def test_one_race_for_each_context() -> None:
    contexts = np.array([[1, 2], [1, 2], [3, 4], [1, 2]])
    every = Units(contexts, np.array([5, 6, 7, 8]), np.arange(4), np.ones(4, np.int64), 4)
    assert first_of_context(every).tolist() == [0, 2]


def test_a_changed_token_makes_its_neighbourhood_odd() -> None:
    chances = np.full(20, 0.4)
    chances[8] = 0.0
    odd = oddness(chances, 3)
    assert (odd[8:12] > 5).all()
    assert (np.delete(odd, [8, 9, 10, 11]) < 0.1).all()


def test_laws_without_units_and_units_without_laws() -> None:
    chances, every = _marked(4, 6)
    with pytest.raises(UsageError):
        lags(SCHEME, KEY, every, own_laws(chances[:2], every.token[:2]))
    empty = own_laws(np.zeros((0, TOKENS)), np.zeros(0, np.int64))
    assert len(empty.chances()) == 0
    assert len(lags(SCHEME, KEY, units(0, np.zeros(0, np.int64)), empty)) == 0
