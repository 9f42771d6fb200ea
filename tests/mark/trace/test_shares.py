"""Shares of a mixture: their intervals cover the truth, whether the marks' effect is known or found."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.mark.scheme import Null, Units
from headwater.mark.score import Scorer, Table
from headwater.mark.trace import gather, guessed_shares, mixture_shares
from mark.trace.worlds import made

NULL = Null(1 << 20)


def _marked(laws, count, random):
    """Values of tokens drawn by Gumbel's rule under their key, in [0, 1)."""
    law = laws[random.integers(len(laws), size=count)]
    uniform = random.random(law.shape)
    chosen = np.argmax(np.log(uniform) / np.maximum(law, 1e-300), axis=1)
    return uniform[np.arange(count), chosen]


def _dataset(source, laws, scorer, accounts, random):
    documents, length = source.shape
    whose = source.ravel()
    values = random.random((len(whose), accounts))
    for account in range(accounts):
        here = whose == account
        values[here, account] = _marked(laws, int(here.sum()), random)
    drawn = np.minimum(values * NULL.size, NULL.size - 1).astype(np.uint32)
    scores = np.column_stack([scorer.scores(drawn[:, i : i + 1]) for i in range(accounts)])
    at = np.arange(len(whose))
    units = Units(at[:, None], at, at, np.ones(len(at), np.int64), len(at))
    return scores, gather(units, np.repeat(np.arange(documents), length))


@pytest.mark.parametrize("effect", [1.0, None], ids=["known", "found"])
@pytest.mark.parametrize("whole", [True, False], ids=["by document", "by token"])
def test_intervals_cover_the_truth(effect, whole):
    random = np.random.default_rng(20)
    laws = made.laws(1.24, random)
    scorer = made.learned(NULL, laws)
    covered = []
    for _ in range(25):
        shares = np.array([0.3, 0.15, 0.05])
        size = (40, 1) if whole else (40, 100)
        drawn = np.searchsorted(np.cumsum(shares), random.random(size))
        source = np.broadcast_to(np.where(drawn < 3, drawn, -1), (40, 100))
        scores, dataset = _dataset(source, laws, scorer, 3, random)
        found = mixture_shares(scores, dataset, scorer, NULL, effect=effect)
        truth = [float(np.mean(source == i)) for i in range(3)]
        covered += [one.low <= real <= one.high for one, real in zip(found.of, truth, strict=True)]
        relative = np.array(truth) / sum(truth)
        covered += [a.relative_low <= b <= a.relative_high for a, b in zip(found.of, relative, strict=True)]
    assert np.mean(covered) >= 0.9


def test_marks_of_another_strength_move_all_shares_and_not_the_relative_ones():
    """The limit that the documentation states: at another entropy than was learned from, only the ratio holds."""
    random = np.random.default_rng(21)
    scorer = made.learned(NULL, made.laws(0.72, random))
    laws = made.laws(1.24, random)
    drawn = np.searchsorted([0.3, 0.5], random.random((80, 200)))
    scores, dataset = _dataset(np.where(drawn < 2, drawn, -1), laws, scorer, 2, random)
    for effect in (1.0, None):
        found = mixture_shares(scores, dataset, scorer, NULL, effect=effect)
        assert sum(one.share for one in found.of) > 0.6
        assert found.of[0].relative_low <= 0.6 <= found.of[0].relative_high
        assert found.of[0].relative == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize("entropy", [0.72, 1.24])
def test_an_engines_sum_has_intervals_wide_enough_for_the_entropy_that_nobody_told(entropy):
    random = np.random.default_rng(26)
    laws = made.laws(entropy, random)
    scorer = made.engine_sum(NULL)
    drawn = np.searchsorted([0.3, 0.5], random.random((60, 200)))
    source = np.where(drawn < 2, drawn, -1)
    scores, dataset = _dataset(source, laws, scorer, 2, random)
    found = guessed_shares(scores, dataset, scorer, NULL)
    for i, one in enumerate(found.of):
        assert one.low <= np.mean(source == i) <= one.high
        assert 0.02 < one.low <= one.share <= one.high < 0.95
    assert found.of[0].relative == pytest.approx(0.6, abs=0.06)


def test_a_green_list_tells_no_share_by_itself():
    null = Null(1000, 250)
    random = np.random.default_rng(27)
    scorer = Scorer("green", ((Table(np.array([0, 1, 1000]), np.array([0, 64]), 1 / 64),),))
    green = random.random((4000, 1)) < 0.35
    at = np.arange(4000)
    dataset = gather(Units(at[:, None], at, at, np.ones(4000, np.int64), 4000))
    one = guessed_shares(scorer.scores(green.astype(np.uint32))[:, None], dataset, scorer, null).of[0]
    assert (one.low, one.high) == (0, 1)


def test_an_engines_sum_finds_its_effect():
    random = np.random.default_rng(24)
    laws = made.laws(0.72, random)
    scorer = made.engine_sum(NULL)
    drawn = np.searchsorted([0.3, 0.5], random.random((60, 200)))
    source = np.where(drawn < 2, drawn, -1)
    scores, dataset = _dataset(source, laws, scorer, 2, random)
    found = mixture_shares(scores, dataset, scorer, NULL)
    assert found.effect_found
    assert found.effect == pytest.approx(0.4, abs=0.1)
    assert all(one.low <= np.mean(source == i) <= one.high for i, one in enumerate(found.of))


def test_documents_that_differ_in_their_marks_strength_widen_the_intervals():
    """Half of the account's documents are marked in every token, half in few: documents vary more than units would."""
    random = np.random.default_rng(22)
    laws = made.laws(1.24, random)
    scorer = made.learned(NULL, laws)
    source = np.full((40, 200), -1)
    source[:20] = 0
    source[10:20] = np.where(random.random((10, 200)) < 0.5, 0, -1)
    scores, dataset = _dataset(source, laws, scorer, 1, random)
    varied = mixture_shares(scores, dataset, scorer, NULL, effect=1.0)
    even = source.ravel()
    scores, dataset = _dataset(random.permutation(even).reshape(40, 200), laws, scorer, 1, random)
    alike = mixture_shares(scores, dataset, scorer, NULL, effect=1.0)
    assert varied.spread > 1.3 > alike.spread >= 1
    assert varied.of[0].low <= np.mean(source == 0) <= varied.of[0].high


def test_a_dataset_that_is_one_accounts_as_a_whole_has_a_share_near_one():
    random = np.random.default_rng(23)
    laws = made.laws(1.24, random)
    scorer = made.learned(NULL, laws)
    scores, dataset = _dataset(np.zeros((1, 3000), np.int64), laws, scorer, 1, random)
    one = mixture_shares(scores, dataset, scorer, NULL, effect=1.0).of[0]
    assert one.share > 0.9
    assert one.high == 1
    assert one.relative == pytest.approx(1)
