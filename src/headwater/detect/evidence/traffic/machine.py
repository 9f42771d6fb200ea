"""Machine-like arrival: around the clock, at even gaps, the next request before the last is answered.

Most honest API traffic is sent by programs too. Each of the three ways has innocent causes, so two of them are needed,
and others of the same log say how rare that is.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import numbers
from headwater.detect.evidence.traffic.kept import Kept, OfRows, Rows
from headwater.detect.fold import Batch, Card, Reading, World

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
            _ways(account, at_us, took_us, value)
        return Reading(
            value,
            NOTABLE,
            "send as machines do in two ways or three (no night, even gaps, the next request before the last answer)",
        )


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _ways(
    account: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    took_us: npt.NDArray[np.int64],
    value: npt.NDArray[np.float64],
) -> None:
    """Fill in the number of ways by account (rows by account, then time); who sent too little stays as it was."""
    begin = 0
    while begin < len(account):
        end = begin + 1
        while end < len(account) and account[end] == account[begin]:
            end += 1
        if end - begin >= LEAST:
            own = at_us[begin:end]
            value[account[begin]] = (
                int(_sleepless(own)) + int(_even(own)) + int(_parallel(own, took_us[begin:end]))
            )
        begin = end


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sleepless(at_us: npt.NDArray[np.int64]) -> bool:
    """Whether an account is active over two days or more, and its longest stretch of unused hours is no night."""
    if at_us[-1] - at_us[0] < 2 * DAY_US:
        return False
    used = np.zeros(24, np.int64)
    for at in at_us:
        used[at // HOUR_US % 24] += 1
    least = max(USED * len(at_us) / 24, 1.0)
    run = longest = 0
    # Twice around: a night may lie across midnight, wherever midnight is.
    for at in range(48):
        run = run + 1 if used[at % 24] < least else 0
        longest = max(longest, run)
    return longest <= NIGHT_HOURS


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _even(at_us: npt.NDArray[np.int64]) -> bool:
    """Whether an account's gaps hardly vary, pauses between runs left out."""
    gap = np.sort(np.diff(at_us))
    if len(gap) < LEAST_GAPS:
        return False
    gap = gap[: np.searchsorted(gap, PAUSE * gap[len(gap) // 2], side="right")]
    mean = gap.sum() / len(gap)
    spread = 0.0
    for one in gap:
        spread += (one - mean) ** 2
    return len(gap) >= LEAST_GAPS and mean > 0 and np.sqrt(spread / len(gap)) < EVEN * mean


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _parallel(at_us: npt.NDArray[np.int64], took_us: npt.NDArray[np.int64]) -> bool:
    """Whether an account often begins a request before the one before it ended."""
    known = hits = 0
    for i in range(1, len(at_us)):
        if took_us[i - 1] >= 0:
            known += 1
            hits += at_us[i] < at_us[i - 1] + took_us[i - 1]
    return known >= LEAST_GAPS and hits >= OVERLAP * known


trait = Machine()
