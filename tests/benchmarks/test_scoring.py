"""Rates and thresholds by hand."""

from __future__ import annotations

import numpy as np
from baselines import rates, thresholded


def test_rates_by_hand() -> None:
    hour = 3_600_000_000
    account = np.array([0, 0, 0, 1, 1, 1])
    at = np.array([0, 1, 30 * hour, 0, 2 * hour, 5 * hour])
    got = {name: rate.tolist() for name, rate in rates(account, at).items()}
    assert got == {"total": [3, 3], "busiest day": [2, 3], "busiest hour": [2, 1]}


def test_the_threshold_spends_what_is_allowed_and_no_more() -> None:
    rate = np.array([9, 7, 7, 5, 8, 6])
    innocent = np.array([False, True, True, True, False, False])
    assert thresholded(rate, innocent, 0).tolist() == [True, False, False, False, True, False]
    # Two innocents tie at 7: one cannot be had without the other.
    assert thresholded(rate, innocent, 1).tolist() == thresholded(rate, innocent, 0).tolist()
    assert thresholded(rate, innocent, 2).tolist() == [True, True, True, False, True, True]
    assert thresholded(rate, innocent, 3).all()
