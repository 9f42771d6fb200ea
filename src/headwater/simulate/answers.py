"""What the provider does with requests: lengths, latencies, statuses, an outage that everyone meets, retries.

Answer lengths are drawn from a real trace; latency is a first-token time plus a time per token. An outage
fails everybody's requests of some minutes, and clients try again.
"""

from __future__ import annotations

import numpy as np

from headwater.simulate.chance import Floats, Ints
from headwater.simulate.requests import Requests, join
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Outage

#: Share of requests that meet a rate limit (429) or a fault (500) for no reason of their own.
_LIMITED, _FAULTY = 0.004, 0.002


def lengths(rng: np.random.Generator, law: Ints, count: int, factor: float = 1.0) -> Ints:
    """Answer tokens of `count` requests: a real answer's length times `factor`, blurred."""
    drawn = law[rng.integers(0, len(law), count)] * factor * rng.lognormal(0.0, 0.1, count)
    return np.maximum(1, np.round(drawn)).astype(np.int64)


def latencies(rng: np.random.Generator, tokens: Ints) -> Floats:
    """Seconds until the last byte: about 0.4 s to the first token, then about 18 ms a token."""
    count = len(tokens)
    return rng.lognormal(np.log(0.4), 0.45, count) + tokens * rng.lognormal(np.log(0.018), 0.25, count)


def serve(
    rng: np.random.Generator, requests: Requests, law: Ints, outages: tuple[Outage, ...]
) -> tuple[Requests, Ints]:
    """All requests with answers, retries added, and the status of each row."""
    open_rows = np.flatnonzero(requests.output_tokens < 0)
    tokens = requests.output_tokens.copy()
    tokens[open_rows] = lengths(rng, law, len(open_rows))
    latency = requests.latency_s.copy()
    undecided = np.isnan(latency)
    latency[undecided] = latencies(rng, tokens[undecided])
    done = requests.with_columns(output_tokens=tokens, latency_s=latency)
    status = np.full(len(done), 200, dtype=np.int64)
    chance = rng.random(len(done))
    status[chance < _LIMITED + _FAULTY] = 500
    status[chance < _LIMITED] = 429
    for outage in outages:
        begin = outage.day * DAY
        hit = (done.at >= begin) & (done.at < begin + outage.minutes * 60)
        status[hit & (rng.random(len(done)) < 0.97)] = 503
    status = np.where(done.status >= 0, done.status, status)
    return _retried(rng, done, status, outages)


def _retried(
    rng: np.random.Generator, done: Requests, status: Ints, outages: tuple[Outage, ...]
) -> tuple[Requests, Ints]:
    failed = np.flatnonzero(status != 200)
    again = failed[rng.random(len(failed)) < 0.8]
    # Where a population says what became of its requests, it has sent them again itself.
    again = again[done.status[again] < 0]
    later = done.at[again] + rng.exponential(6.0, len(again)) + 1.0
    for outage in outages:
        begin, end = outage.day * DAY, outage.day * DAY + outage.minutes * 60
        inside = (later >= begin) & (later < end)
        # Clients back off; when service is back they all return within minutes.
        later[inside] = end + rng.exponential(240.0, int(inside.sum()))
    retry = done.take(again).with_columns(at=later, latency_s=latencies(rng, done.output_tokens[again]))
    quick = failed
    latency, tokens = done.latency_s.copy(), done.output_tokens.copy()
    latency[quick] = rng.lognormal(np.log(0.15), 0.6, len(quick))
    tokens[quick] = 0
    lost = done.with_columns(latency_s=latency, output_tokens=tokens)
    return join([lost, retry]), np.r_[status, np.full(len(again), 200, dtype=np.int64)]
