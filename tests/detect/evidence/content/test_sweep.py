"""Sweeps: groups that ask nothing twice, among others who do."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import dealt_log, judged
from headwater.detect.evidence.content import sweep

EACH, SIZE = 24, 60
N, ACCOUNT = SIZE * EACH, np.repeat(np.arange(SIZE), EACH)


def fillings(seed: int, share: float, who: np.ndarray) -> np.ndarray:
    """Texts of which the accounts `who` repeat an own one in this share of exchanges."""
    rng = np.random.default_rng(seed)
    text = np.arange(N)
    again = who & (rng.random(N) < share)
    return np.where(again, text // EACH * EACH + rng.integers(0, 3, N), text)


def test_a_list_worked_off_among_people_who_repeat_themselves() -> None:
    finding = judged(sweep.test, dealt_log(1, filling=fillings(1, 0.2, ACCOUNT >= 12)), range(12))[0]
    assert finding.raw > 1
    assert finding.figures["again"] == 0
    assert finding.figures["usual"] > 0.1


def test_a_group_that_repeats_itself_as_others_do() -> None:
    assert judged(sweep.test, dealt_log(1, filling=fillings(1, 0.2, ACCOUNT >= 0)), range(12))[0].raw < 0.7


def test_where_nobody_repeats_anything_it_is_no_evidence() -> None:
    finding = judged(sweep.test, dealt_log(1), range(12))[0]
    assert (finding.raw, finding.p_value) == (0.0, 1.0)


def test_members_that_repeat_each_other_sweep_nothing() -> None:
    common = np.where(ACCOUNT < 12, np.arange(N) % EACH, fillings(1, 0.2, ACCOUNT >= 12))
    assert judged(sweep.test, dealt_log(1, filling=common), range(12))[0].raw == 0


def test_too_little_says_nothing() -> None:
    assert judged(sweep.test, dealt_log(1, words=3), range(12)) == {}
    assert judged(sweep.test, dealt_log(1, each=2), range(12)) == {}
    assert judged(sweep.test, dealt_log(1, size=14, members=12), range(12)) == {}
    assert judged(sweep.test, dealt_log(1, size=1, members=1), [0]) == {}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_groups_of_others_are_rarely_found(seed: int) -> None:
    log = dealt_log(seed, members=0, filling=fillings(seed, 0.2, ACCOUNT >= 0))
    group = np.random.default_rng(seed).choice(SIZE, 12, replace=False)
    found = judged(sweep.test, log, group.tolist())
    # At the 200th of chances each, 15 draws that all lie there are beyond belief; one may.
    assert not found or found[0].p_value >= 0.005
