"""Machine-like arrival: what the features measure, and that they never weigh much."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.pace import arrival_features, arrival_llr
from pace.worlds import DAY, HOUR, SECOND, diurnal


def test_a_scheduler_has_no_night_and_keeps_its_clock():
    every = np.arange(0, 3 * DAY, 300 * SECOND) + np.random.default_rng(0).integers(0, 3 * SECOND, 864)
    features = arrival_features(every)
    assert features.clock_s in (10, 15, 20, 30, 60, 300)
    assert features.clock > 0.8
    assert features.duty == 1.0
    assert features.evenness == pytest.approx(1.0, abs=0.01)
    assert features.quiet_share == pytest.approx(1 / 3, abs=0.01)
    assert features.gap_spread < 0.05
    assert features.longest_rest_us < 2 * 303 * SECOND
    assert arrival_llr(features) > 0.2


def test_a_steady_stream_without_a_clock_has_none():
    stream = np.sort(np.random.default_rng(1).uniform(0, 3 * DAY, 2_000)).astype(np.int64)
    features = arrival_features(stream)
    assert features.clock < 0.1
    assert features.gap_spread == pytest.approx(np.pi / np.sqrt(6), abs=0.1)
    assert features.quiet_share == pytest.approx(1 / 3, abs=0.05)


def test_people_sleep_and_weigh_less_than_a_scheduler():
    people = [t for t in diurnal(np.random.default_rng(2), 40, 30, 20, burst=5) if len(t) > 100]
    features = [arrival_features(t) for t in people]
    assert all(f.quiet_share < 0.2 and f.longest_rest_us > 2 * HOUR for f in features)
    every = arrival_features(np.arange(0, 3 * DAY, 300 * SECOND))
    assert max(arrival_llr(f) for f in features) < arrival_llr(every)
    assert np.mean([arrival_llr(f) for f in features]) < 0.1


def test_requests_in_flight_are_counted_together():
    times = np.array([0, 1, 2, 10, 20]) * SECOND
    held = np.array([5, 5, 5, 10, 1]) * SECOND
    assert arrival_features(times, held).together == 3
    assert arrival_features(times).together == 0


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(-(2**50), 2**50), max_size=200), st.sampled_from([0.2, 0.5, 0.9]))
def test_the_weight_is_bounded_whatever_the_times(times, share):
    features = arrival_features(np.array(times, np.int64))
    assert -1 <= arrival_llr(features, machine_share=share) <= 1
    assert 0 <= features.clock <= 1
    assert 0 <= features.evenness <= 1
    assert arrival_features(np.array(times[::-1], np.int64)) == features


def test_automation_that_everybody_has_is_no_evidence():
    every = np.arange(0, 3 * DAY, 300 * SECOND)
    assert arrival_llr(arrival_features(every), machine_share=0.75) == pytest.approx(0.0, abs=1e-9)


def test_little_is_not_weighed():
    assert arrival_llr(arrival_features(np.arange(0, 30 * HOUR, HOUR))) == 0.0
    assert not arrival_features(np.arange(0, HOUR, SECOND)).enough
