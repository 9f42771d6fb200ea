"""Holm's step-down over logarithms, against its definition over plain numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.mark.trace import holm


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=20), st.integers(0, 30))
def test_it_is_what_holm_wrote_whether_or_not_large_p_values_are_left_out(p, more):
    every = sorted(p + [1.0] * more)
    plain, so_far = {}, 0.0
    for rank, one in enumerate(every):
        so_far = max(so_far, min(1.0, (len(every) - rank) * one))
        plain[one] = max(plain.get(one, 0.0), so_far)
    found = holm.adjusted(np.log(p), len(every))
    for one, log_adjusted in zip(p, found, strict=True):
        assert math.exp(log_adjusted) <= plain[one] * (1 + 1e-9)
        assert math.exp(log_adjusted) >= one * (1 - 1e-9)
    assert math.exp(found.max()) == pytest.approx(plain[max(p)]) or len(set(p)) < len(p)


def test_p_values_beyond_the_smallest_double_keep_their_order():
    found = holm.adjusted(np.array([-1000.0, -2000.0, 0.0]), 100_000)
    assert found == pytest.approx([-1000 + math.log(99_999), -2000 + math.log(100_000), 0])
