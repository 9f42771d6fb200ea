"""A dispatcher: how one hand deals a queue of jobs to accounts, and when each job is sent.

Three kinds: a pool of workers (the next job when the last answer has come), a pacer (even spacing), batches.
All work, and all stop, together: runs and joint pauses. What the jobs are is decided by `campaign`.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import numpy as np

from headwater.errors import UsageError
from headwater.simulate.chance import Floats, Ints
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Dispatcher

#: Seconds for which full noise holds a job back on average, at least.
_HELD_BACK_S = 180.0


@dataclass(frozen=True)
class Clock:
    """Active time laid out on the wall: span i runs from `begin[i]` for `length[i]` seconds."""

    begin: Floats
    length: Floats

    @property
    def total(self) -> float:
        """Active seconds in all."""
        return float(self.length.sum())

    def wall(self, active: Floats) -> Floats:
        """Active seconds → seconds from the world's start."""
        edges = np.r_[0.0, np.cumsum(self.length)]
        span = np.clip(np.searchsorted(edges, active, side="right") - 1, 0, len(self.begin) - 1)
        return np.asarray(self.begin[span] + active - edges[span])


def clock(rng: np.random.Generator, spec: Dispatcher, begin_s: float, end_s: float, needed_s: float) -> Clock:
    """When the dispatcher works: in runs that last as long as is needed, or always but for the pauses."""
    if spec.runs_per_day:
        return _runs(rng, spec, begin_s, end_s, needed_s)
    # One pause in each equal part of the time, so that they don't run into one another.
    part = (end_s - begin_s) / max(spec.pauses, 1)
    marks = begin_s + (np.arange(spec.pauses) + 0.1 + 0.6 * rng.random(spec.pauses)) * part
    rest = rng.gamma(4.0, spec.pause_hours * 900.0, spec.pauses)
    starts = np.maximum.accumulate(np.r_[begin_s, np.minimum(marks + rest, end_s)])
    stops = np.r_[marks, end_s]
    keep = stops > starts
    return Clock(starts[keep], (stops - starts)[keep])


def _runs(rng: np.random.Generator, spec: Dispatcher, begin_s: float, end_s: float, needed_s: float) -> Clock:
    count = max(1, round((end_s - begin_s) / DAY * spec.runs_per_day))
    slot = (end_s - begin_s) / count
    weight = rng.gamma(20.0, 0.05, count)
    # A pause is a run that doesn't happen; the others make up for it.
    weight[rng.permutation(count)[: min(spec.pauses, count // 3)]] = 0.0
    most = 0.97 * slot
    length = np.minimum(weight / weight.sum() * needed_s * 1.02, most)
    for _ in range(20):
        missing = needed_s * 1.01 - float(length.sum())
        room = np.where(weight > 0, most - length, 0.0)
        if missing <= 0 or room.sum() <= 0:
            break
        length += room * min(1.0, missing / room.sum())
    start = begin_s + np.arange(count) * slot + rng.random(count) * (slot - length)
    return Clock(start[length > 0], length[length > 0])


def send_times(
    rng: np.random.Generator, spec: Dispatcher, latency_s: Floats, begin_s: float, end_s: float
) -> Floats:
    """When each job of the queue is sent, in seconds from the world's start, ascending.

    Raises `UsageError` where a pool cannot finish its jobs between `begin_s` and `end_s`.
    """
    jobs = len(latency_s)
    if spec.kind == "pool":
        # Half of the thinking time is fixed, half of it random: sleep(n) plus jitter.
        busy = latency_s + spec.think_s * (0.75 + 0.5 * rng.random(jobs))
        workers = spec.workers
        if spec.noise:
            busy, workers = _idle(rng, busy, spec)
        needed = float(busy.sum()) / workers + float(busy.max(initial=0.0))
        plan = clock(rng, spec, begin_s, end_s, needed)
        if needed > plan.total * 1.001:
            raise UsageError(
                f"the dispatcher needs {needed / 3600:.0f} h for its jobs and has {plan.total / 3600:.0f} h",
                hint="more workers, less think_s, or fewer exchanges",
            )
        return plan.wall(_held_back(rng, spec.noise, _pool(rng, busy, workers), plan.total))
    plan = clock(rng, spec, begin_s, end_s, 0.5 * (end_s - begin_s))
    if spec.kind == "pacer":
        step = plan.total / max(jobs, 1)
        active = (np.arange(jobs) + 0.5 + spec.jitter * rng.uniform(-0.5, 0.5, jobs)) * step
    else:
        moments = np.sort(rng.uniform(0, plan.total, -(-jobs // spec.batch)))
        active = np.repeat(moments, spec.batch)[:jobs] + rng.uniform(0, 20.0, jobs)
    return plan.wall(_held_back(rng, spec.noise, np.sort(active), plan.total))


def _idle(rng: np.random.Generator, busy: Floats, spec: Dispatcher) -> tuple[Floats, int]:
    """Idle capacity: up to three workers in four wait for no reason, for times as irregular as people's."""
    more = 1 + round(spec.workers * (1 + 3 * spec.noise)) - spec.workers
    workers = spec.workers + more
    idle = float(busy.mean()) * more / spec.workers if len(busy) else 0.0
    return busy + rng.gamma(0.6, idle / 0.6, len(busy)) * 0.9, workers


def _held_back(rng: np.random.Generator, noise: float, active: Floats, total: float) -> Floats:
    """Jobs that wait a little before they are sent, each for itself; ascending, and within the active time."""
    if noise == 0 or len(active) == 0:
        return active
    wait = noise * max(_HELD_BACK_S, 5 * total / len(active))
    later = active + rng.exponential(wait, len(active))
    # What would fall behind the end is sent earlier instead.
    return np.sort(np.where(later < total, later, np.maximum(2 * total - later, 0.0)))


def _pool(rng: np.random.Generator, busy: Floats, workers: int) -> Floats:
    """Start of each job in active seconds, when the worker that is free first takes the next."""
    free = rng.uniform(0, 5.0, workers).tolist()
    heapq.heapify(free)
    at = np.empty(len(busy))
    for i, length in enumerate(busy.tolist()):
        at[i] = free[0]
        heapq.heapreplace(free, free[0] + length)
    return at


def deal(rng: np.random.Generator, spec: Dispatcher, at: Floats, first_s: Floats, last_s: Floats) -> Ints:
    """Which account sends each job: any (or the next in turn) of those that are there at that moment.

    `at` ascends; account i is there from `first_s[i]` to `last_s[i]`. Where nobody is, all serve.
    """
    out = np.zeros(len(at), dtype=np.int64)
    if len(at) == 0:
        return out
    epoch = np.searchsorted(np.unique(np.r_[first_s, last_s]), at, side="right")
    cuts = np.r_[np.flatnonzero(np.r_[True, np.diff(epoch) != 0]), len(at)]
    for low, high in itertools.pairwise(cuts.tolist()):
        there = np.flatnonzero((first_s <= at[low]) & (at[low] < last_s))
        there = there if len(there) else np.arange(len(first_s))
        in_turn = spec.deal == "in turn"
        turn = np.arange(low, high) if in_turn else rng.integers(0, len(there), high - low)
        out[low:high] = there[turn % len(there)]
    return out
