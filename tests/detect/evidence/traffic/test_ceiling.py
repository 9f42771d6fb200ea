"""One ceiling for all members: a ring that keeps to one allowance, and strangers who don't."""

from __future__ import annotations

import numpy as np

from detect.evidence.traffic.test_limits import busy, people
from detect.worlds import judged
from headwater.detect.evidence.traffic import ceiling
from headwater.detect.pvalues import calibrated


def test_members_that_keep_to_one_allowance() -> None:
    counts = people(60, 20, 80)
    counts[:12] = np.random.default_rng(2).integers(25, 27, (12, 20))
    found = judged(ceiling.test, busy(counts), range(12))[0]
    assert found.raw > 2
    assert found.figures["show"] == 12
    assert "12 of its 12 customers" in found.sentence
    assert "requests a day" in found.sentence


def test_the_same_group_without_it_is_not_accused() -> None:
    found = judged(ceiling.test, busy(people(60, 20, 80)), range(12))[0]
    assert -0.2 <= found.raw <= 0


def test_an_allowance_that_everybody_keeps_to_is_a_limit() -> None:
    found = judged(ceiling.test, busy(np.full((60, 20), 26)), range(12))[0]
    assert found.raw <= 0


def test_allowances_of_their_own_are_no_common_ceiling() -> None:
    counts = people(60, 20, 80)
    counts[:12] = (20 * 1.3 ** np.arange(12)).astype(np.int64)[:, None]
    assert judged(ceiling.test, busy(counts), range(12))[0].raw < 0.5


def test_one_organisations_keys_are_one_customer() -> None:
    counts = people(60, 20, 80)
    counts[:12] = 26
    known = {"organisation": ["one"] * 12 + [None] * 48}
    assert judged(ceiling.test, busy(counts, known=known), range(12)) == {}


def test_groups_of_strangers_seldom_seem_to_share_one() -> None:
    """Innocent schedules at ceilings of their own: the chance stated is no smaller than it is."""
    rng = np.random.default_rng(8)
    p_values = []
    for _ in range(30):
        counts = people(80, 10, 80, int(rng.integers(2**31)))
        steady = rng.random(80) < 0.3
        counts[steady] = np.rint(10 * np.exp(rng.normal(1, 0.7, int(steady.sum()))))[:, None]
        made = busy(counts, seed=int(rng.integers(2**31)))
        group = np.sort(rng.permutation(80)[:15]).tolist()
        p_values += [f.p_value for f in judged(ceiling.test, made, group).values()]
    assert len(p_values) == 30
    assert np.mean([p <= 0.05 for p in p_values]) <= 0.1
    assert np.mean([np.exp(calibrated(p)) for p in p_values]) <= 1


def test_a_group_of_which_nothing_is_known() -> None:
    assert judged(ceiling.test, busy(np.full((30, 3), 5)), range(12)) == {}
