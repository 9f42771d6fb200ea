"""Machine-like arrival: around the clock, at even gaps, the next request before the last is answered.

Most honest API traffic is sent by programs too. Each of the three ways has innocent causes, so two of them are needed,
and others of the same log say how rare that is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import numbers
from headwater.detect.evidence.traffic.kept import Kept, OfRows, Rows
from headwater.detect.evidence.traffic.states import starts
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.ordering import by_code

LEAST = 30
#: Ways at once that are notable.
NOTABLE = 2.0
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
#: An hour of the day counts as used from this share of an even spread; no night: no longer stretch of unused hours.
USED, NIGHT_HOURS = 0.25, 3
#: Gaps longer than so many medians are pauses between runs; within runs variation below this is even (random: 1).
PAUSE, EVEN = 4.0, 0.3
#: Share of requests that begin before the last one ended.
OVERLAP = 0.2
#: Gaps and durations without which nothing is said about them.
LEAST_GAPS = 20

CARD = Card(
    name="machine",
    title="No night, even gaps, no waiting",
    group="behaviour",
    sees="accounts that send around the clock without a night, at even gaps, or before the last answer has ended",
    null="other customers that sent about as much: how many do so in as many of the three ways",
    false_positive="not measured yet",
    innocent_causes=(
        "products with users all over the world",
        "scheduled jobs",
        "agents that work in parallel",
    ),
    evasion_cost="random think time, nights and single file: throughput falls to a person's",
    cap_nats=1.5,
    atlas=("AML.T0040", "AML.T0034"),
    aisvs=("11.2.2", "12.2.2", "12.2.5"),
)


def _took_us(batch: Batch) -> npt.NDArray[np.int64]:
    """How long each answer took (µs, −1: unknown)."""
    ms = numbers(batch, "latency_ms")
    ms = np.where((ms >= 0) & (ms < DAY_US / 1000), ms, np.nan)
    return np.nan_to_num(ms * 1000, nan=-1).astype(np.int64)


class Machine(OfRows):
    """In how many of three ways an account's requests arrive as a machine's."""

    card = CARD
    least = LEAST
    kept = (Kept("took_us", ("latency_ms",), _took_us),)

    def finish(self, state: Rows, world: World) -> Reading:
        """The number of ways, by account."""
        rows = state.of(LEAST, self.kept)
        value = np.full(world.size, np.nan)
        if rows is not None:
            account, at_us, took_us = rows
            codes, own = np.unique(account, return_inverse=True)
            ways = (
                _sleepless(own, at_us).astype(np.int64) + _even(own, at_us) + _parallel(own, at_us, took_us)
            )
            total = np.bincount(own)
            value[codes] = np.where(total >= LEAST, ways, np.nan)
        return Reading(
            value,
            NOTABLE,
            "send as machines do in two ways or three (no night, even gaps, the next request before the last answer)",
        )


def _sleepless(own: npt.NDArray[np.int64], at_us: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Accounts active over two days or more whose longest stretch of unused hours of the day is no night."""
    first = starts(own)
    total = np.diff(np.append(first, len(own)))
    hour = at_us // HOUR_US % 24
    used = np.bincount(own * 24 + hour, minlength=24 * len(first)).reshape(-1, 24)
    idle = used < np.maximum(USED * total / 24, 1)[:, None]
    run, longest = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
    # Twice around: a night may lie across midnight, wherever midnight is.
    for at in range(48):
        run = np.where(idle[:, at % 24], run + 1, 0)
        longest = np.maximum(longest, run)
    span = at_us[first + total - 1] - at_us[first]
    return np.asarray((longest <= NIGHT_HOURS) & (span >= 2 * DAY_US))


def _even(own: npt.NDArray[np.int64], at_us: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Accounts whose gaps hardly vary, pauses between runs left out."""
    size = int(own[-1]) + 1
    inner = own[1:] == own[:-1]
    gap, owner = np.diff(at_us)[inner], own[1:][inner]
    if not len(gap):
        return np.zeros(size, bool)
    order = by_code(owner, gap)
    gap, owner = gap[order], owner[order]
    count = np.bincount(owner, minlength=size)
    begin = np.cumsum(count) - count
    middle = gap[np.minimum(begin + count // 2, len(gap) - 1)].astype(np.float64)
    kept = gap <= PAUSE * middle[owner]
    gap, owner = gap[kept], owner[kept]
    count = np.bincount(owner, minlength=size)
    mean = np.bincount(owner, gap, size) / np.maximum(count, 1)
    spread = np.bincount(owner, (gap - mean[owner]) ** 2, size) / np.maximum(count, 1)
    return np.asarray((count >= LEAST_GAPS) & (mean > 0) & (np.sqrt(spread) < EVEN * mean))


def _parallel(
    own: npt.NDArray[np.int64], at_us: npt.NDArray[np.int64], took_us: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Accounts that often begin a request before the one before it ended."""
    size = int(own[-1]) + 1
    follows = (own[1:] == own[:-1]) & (took_us[:-1] >= 0)
    over = follows & (at_us[1:] < at_us[:-1] + took_us[:-1])
    known = np.bincount(own[1:][follows], minlength=size)
    hits = np.bincount(own[1:][over], minlength=size)
    return np.asarray((known >= LEAST_GAPS) & (hits >= OVERLAP * known))


trait = Machine()
