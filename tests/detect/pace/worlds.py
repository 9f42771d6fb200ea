"""Simulated times of accounts for the tests of pace: strangers, rooms, pools, pacers. Times in µs."""

import heapq

import numpy as np

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


def scripts(rng, accounts, busy, hours=6.0, mean=10.0):
    """Independent sequential scripts, each busy a share `busy` of the time: (times, durations)."""
    times, held = [], []
    for _ in range(accounts):
        n = int(hours * 3600 * busy / mean * 1.3) + 50
        work = rng.gamma(4, mean / 4, n)
        idle = rng.exponential(mean * (1 - busy) / busy, n)
        start = rng.uniform(0, 60) + np.cumsum(work + idle) - work
        keep = start < hours * 3600
        times.append((start[keep] * SECOND).astype(np.int64))
        held.append((work[keep] * SECOND).astype(np.int64))
    return times, held


def workers(rng, size, accounts, hours=6.0, mean=10.0):
    """A pool of `size` workers that fetch the next job when the last ends, dealt over accounts at random."""
    free = [rng.uniform(0, mean) for _ in range(size)]
    heapq.heapify(free)
    times, held = [[] for _ in range(accounts)], [[] for _ in range(accounts)]
    while free[0] < hours * 3600:
        now, work, who = free[0], rng.gamma(2, mean / 2), rng.integers(accounts)
        times[who].append(int(now * SECOND))
        held[who].append(int(work * SECOND))
        heapq.heapreplace(free, now + work)
    return [np.array(t, np.int64) for t in times], [np.array(d, np.int64) for d in held]


def diurnal(rng, accounts, per_day, days, burst=1.0):
    """People most active in the afternoon, each with an hour and volume of their own, in bursts."""
    found = []
    for _ in range(accounts):
        peak, volume = 15 + rng.normal(0, 2), per_day * rng.lognormal(0, 0.7) / burst
        at = rng.uniform(0, days, rng.poisson(1.9 * volume * days))
        at = at[rng.uniform(0, 1.9, len(at)) < 1 + 0.9 * np.cos(2 * np.pi * (at - peak / 24))]
        size = rng.geometric(1 / burst, len(at))
        later = rng.exponential(30 / 86_400, int(size.sum())) * np.repeat(size > 1, size) * rng.uniform(0, 9)
        found.append((np.sort(np.repeat(at, size) + later) * DAY).astype(np.int64))
    return found


def paced(rng, accounts, per_day, days):
    """Evenly spaced arrivals of a ring, each dealt to a random account."""
    count = int(accounts * per_day * days)
    at = ((np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count * days * DAY).astype(np.int64)
    who = rng.integers(0, accounts, count)
    return [at[who == i] for i in range(accounts)]


def room(rng, accounts, lessons, each=8):
    """A class in one room: everybody works in the lessons, given as (start, end) in hours."""
    return [
        np.sort(
            np.concatenate([rng.uniform(a * HOUR, b * HOUR, rng.poisson(each)) for a, b in lessons])
        ).astype(np.int64)
        for _ in range(accounts)
    ]


def steady(rng, accounts, per_day, days, silences=()):
    """Accounts without a rhythm that all stand still in `silences`, given as (start, end) in hours."""
    found = []
    for _ in range(accounts):
        at = np.sort(rng.uniform(0, days * 24, rng.poisson(per_day * days)))
        for low, high in silences:
            at = at[(at < low) | (at >= high)]
        found.append((at * HOUR).astype(np.int64))
    return found
