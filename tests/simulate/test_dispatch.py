"""One hand behind many accounts: pools, pacers, batches, and who is dealt what."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.simulate.chance import stream
from headwater.simulate.dispatch import deal, send_times
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Dispatcher


def test_a_pool_without_thinking_keeps_its_workers_busy() -> None:
    latency = stream(1).lognormal(2.0, 0.5, 4000)
    spec = Dispatcher(kind="pool", workers=8, think_s=0.0, pauses=0)
    at = send_times(stream(2), spec, latency, 0.0, 30 * DAY)
    middle = np.linspace(at[100], at[-100], 500)
    in_flight = [(np.sum((at <= t) & (t < at + latency))) for t in middle]
    assert set(in_flight) == {8}


@given(st.integers(1, 12), st.floats(0, 60), st.integers(0, 4), st.integers(0, 4), st.integers(0, 2**31))
def test_a_pool_never_has_more_in_flight_than_workers(
    workers: int, think: float, runs: int, pauses: int, seed: int
) -> None:
    latency = stream(seed, "latency").lognormal(1.5, 0.7, 300)
    spec = Dispatcher(kind="pool", workers=workers, think_s=think, runs_per_day=runs, pauses=pauses)
    at = send_times(stream(seed), spec, latency, DAY, 9 * DAY)
    assert np.all(np.diff(at) >= 0)
    assert at[0] >= DAY
    assert at[-1] <= 9 * DAY
    events = np.r_[np.c_[at, np.ones(300)], np.c_[at + latency * 0.999, -np.ones(300)]]
    assert np.cumsum(events[np.lexsort((events[:, 1], events[:, 0])), 1]).max() <= workers


def test_a_pool_with_too_much_work_says_so() -> None:
    spec = Dispatcher(kind="pool", workers=1, think_s=100.0)
    with pytest.raises(UsageError, match="needs 28 h for its jobs and has"):
        send_times(stream(0), spec, np.full(1000, 1.0), 0.0, DAY)


def test_a_pacer_is_even_but_for_its_jitter() -> None:
    spec = Dispatcher(kind="pacer", jitter=0.1, pauses=0)
    gaps = np.diff(send_times(stream(0), spec, np.ones(1000), 0.0, 10 * DAY))
    assert gaps.min() / gaps.mean() > 0.85
    assert gaps.max() / gaps.mean() < 1.15


def test_batches_come_at_once() -> None:
    spec = Dispatcher(kind="batch", batch=100, pauses=0)
    at = send_times(stream(0), spec, np.ones(1000), 0.0, 10 * DAY)
    assert np.sum(np.diff(at) > 60) == 9


def test_pauses_are_joint() -> None:
    spec = Dispatcher(kind="pacer", pauses=3, pause_hours=8.0)
    gaps = np.diff(send_times(stream(4), spec, np.ones(5000), 0.0, 10 * DAY))
    assert np.sum(gaps > 2 * 3600) == 3
    assert 12 < gaps[gaps > 2 * 3600].sum() / 3600 < 40


@pytest.mark.parametrize("how", ["random", "in turn"])
def test_nobody_is_dealt_a_job_before_coming_or_after_leaving(how: str) -> None:
    rng = stream(5)
    at = np.sort(rng.uniform(0, 100, 3000))
    first = np.r_[np.zeros(5), rng.uniform(0, 60, 15)]
    last = np.r_[np.full(5, 101.0), first[5:] + rng.uniform(5, 50, 15)]
    who = deal(stream(6), Dispatcher(kind="pool", deal=how), at, first, last)  # type: ignore[arg-type]
    assert np.all((first[who] <= at) & (at < last[who]))
    assert len(np.unique(who)) == 20


def test_where_nobody_is_there_all_serve() -> None:
    who = deal(stream(0), Dispatcher(kind="pool"), np.array([5.0]), np.array([10.0]), np.array([20.0]))
    assert who.tolist() == [0]
