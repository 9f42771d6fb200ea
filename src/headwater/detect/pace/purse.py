"""One purse: silences that a group's accounts share, though each would usually have been at work.

A pause counts only where the group is usually active at that time of day (of the week), where everyone else
went on, and against permutations that keep each account's own volume and rhythm. Why the group stood still
(payment, limit, deployment) and first uses of models (`turns`) are left to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from headwater.detect.pace import axis as ax
from headwater.detect.pace import likelihood, rhythm
from headwater.detect.pace.rhythm import Grid

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

#: A window is quiet below this share of what is usual.
QUIET = 0.2
#: Least material, and least arrivals expected in windows that could show a pause.
LEAST_ACCOUNTS, LEAST_ARRIVALS, LEAST_EXPECTED = 4, 100, 25.0
#: Restlessness is measured over 1, 2, 4, … windows, where at least so many stretches are awake.
SCALES, LEAST_STRETCHES = 8, 8
#: Pauses are shown below this chance.
SHOWN_BELOW = 0.05


@dataclass(frozen=True)
class PurseResult:
    """What a group's joint silences say.

    `statistic` is the root of the summed squares of missing arrivals per pause, over the group's own
    restlessness; `p_value` its chance under the permutations, (1 + #)/(B + 1). `pauses` are those larger than
    the largest in 95% of the permutations, as (start, end) in µs; `expected` arrivals were due in them,
    `observed` came. `llr` in nats, 0 unless `enough`: at least five days, a rhythm that recurs, and others'
    activity to compare with.
    """

    statistic: float
    p_value: float
    expected: float
    observed: int
    pauses: tuple[tuple[int, int], ...]
    enough: bool
    llr: float


def joint_pauses(
    times_us: Sequence[Int],
    background_counts_per_bin: Int,
    bin_us: int,
    *,
    origin_us: int,
    seed: int,
    permutations: int = 199,
    background_includes_group: bool = True,
    pausing_share: float = 0.5,
) -> PurseResult:
    """Whether the accounts of a group fall silent together.

    `times_us[i]` holds account i's arrivals (µs); `background_counts_per_bin` everybody's activity in bins
    of `bin_us` (a divisor of a day) from `origin_us`, the group's own included unless said otherwise: it is
    taken out here. Permutations shift every account by whole weeks (in less than four weeks: whole days).
    `pausing_share` is the share of rings taken to pause within a log. Independent of the order of accounts.
    """
    nothing = PurseResult(0.0, 1.0, 0.0, 0, (), False, 0.0)
    series = [np.sort(np.asarray(t, np.int64)) for t in times_us if len(t)]
    series.sort(key=lambda t: (len(t), t.tobytes()))
    if len(series) < LEAST_ACCOUNTS or sum(map(len, series)) < LEAST_ARRIVALS or ax.DAY_US % bin_us:
        return nothing
    times, owner = np.concatenate(series), np.repeat(np.arange(len(series)), [len(t) for t in series])
    grid = rhythm.grid_of(times, bin_us, origin_us, len(background_counts_per_bin))
    if grid is None:
        return nothing
    spot = (times - grid.start_us) // grid.width_us
    keep = (spot >= 0) & (spot < grid.size)
    spot, owner = spot[keep], owner[keep]
    counts = np.bincount(spot, minlength=grid.size).astype(np.float64)
    others = grid.gather(background_counts_per_bin)
    if background_includes_group:
        others = np.maximum(others - counts.astype(np.int64), 0)
    going = rhythm.going_on(others, grid)
    due = rhythm.expected(counts, going, grid)
    if due.sum() < LEAST_EXPECTED:
        return nothing
    rng = np.random.default_rng([seed, 3])
    lags = np.zeros((permutations + 1, len(series)), np.int64)
    lags[1:] = rng.integers(0, grid.periods, size=(permutations, len(series))) * grid.period
    scores, longest = _permuted(spot, np.searchsorted(owner, np.arange(len(series) + 1)), lags, going, grid)
    p_value = float(np.mean(scores >= scores[0]))
    runs, sizes = _sizes(counts, due)
    bar = np.quantile(longest[1:], 1 - SHOWN_BELOW) if p_value <= SHOWN_BELOW else np.inf
    shown = runs[sizes > bar]
    return PurseResult(
        statistic=float(scores[0]),
        p_value=p_value,
        expected=float(shown[:, 2:].sum()),
        observed=int(shown[:, 3].sum()),
        pauses=tuple(
            (grid.start_us + int(a) * grid.width_us, grid.start_us + int(b) * grid.width_us)
            for a, b in shown[:, :2]
        ),
        enough=True,
        llr=likelihood.from_p(p_value, pausing_share),
    )


def _permuted(spot: Int, bounds: Int, lags: Int, going: Float, grid: Grid) -> tuple[Float, Float]:
    """(statistic, largest pause) in missing arrivals over restlessness, for each row of lags in windows."""
    scores, longest = np.zeros(len(lags)), np.zeros(len(lags))
    spot = spot.astype(np.uint32)
    for row, lag in enumerate(lags):
        turns = _shifted(spot, bounds, lag, grid.size)
        counts = (turns[: grid.size] + turns[grid.size :]).astype(np.float64)
        due = rhythm.expected(counts, going, grid)
        _, missing = _sizes(counts, due)
        scores[row], longest[row] = float(np.sqrt((missing**2).sum())), float(missing.max(initial=0.0))
    return scores, longest


def _sizes(counts: Float, due: Float) -> tuple[Float, Float]:
    """(quiet runs, what each is missing over the group's restlessness at the length of the run)."""
    runs = _runs(counts, due)
    dispersions, ends = _dispersions(counts, due)
    levels, level, begin = [], 1.0, 0
    for end in ends.tolist():
        if end - begin >= LEAST_STRETCHES:
            level = max(level, float(dispersions[begin:end].sum() / (end - begin)))
        levels.append(level)
        begin = end
    length = np.maximum(runs[:, 1] - runs[:, 0], 1)
    at = np.minimum(np.ceil(np.log2(length)).astype(np.int64), SCALES - 1)
    return runs, runs[:, 2] / np.array(levels)[at]


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _shifted(spot, bounds, lag, size):  # type: ignore[no-untyped-def]
    """Arrivals in each window of two turns of the circle, those of account i moved along it by `lag[i]`."""
    counts = np.zeros(2 * size, np.int64)
    for i in range(len(lag)):
        moved = counts[lag[i] :]
        for k in spot[bounds[i] : bounds[i + 1]]:
            moved[k] += 1
    return counts


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _dispersions(counts, due):  # type: ignore[no-untyped-def]
    """((S − E)²/E of stretches of 1, 2, 4, … windows that hold no quiet one, where each length's end).

    People moved by the same news crowd together as well as pause together: a pause must stand out from that.
    """
    found, ends, lanes, size = np.empty(2 * len(due)), np.empty(SCALES, np.int64), np.empty(8), 0
    for level in range(SCALES):
        scale = 1 << level
        for start in range(0, len(due) - scale + 1, scale):
            asked, came, quiet = _stretch(counts, due, start, scale, lanes)
            if asked > 0 and not quiet:
                found[size] = (came - asked) * (came - asked) / asked
                size += 1
        ends[level] = size
    return found, ends


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _stretch(counts, due, start, scale, lanes):  # type: ignore[no-untyped-def]
    """(arrivals due, those that came where some were due, whether a window is quiet)."""
    came = 0.0
    for j in range(8):
        lanes[j] = 0
    for j in range(scale):
        k = start + j
        if due[k] > 0:
            if counts[k] <= QUIET * due[k]:
                return 0.0, 0.0, True
            came += counts[k]
            lanes[j & 7] += due[k]
    # eight sums side by side, as NumPy adds: rounding is part of the known answers
    if scale < 8:
        return lanes[0] + lanes[1] + lanes[2] + lanes[3], came, False
    low, high = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]), (lanes[4] + lanes[5]) + (lanes[6] + lanes[7])
    return low + high, came, False


def _runs(counts: Float, due: Float) -> Float:
    """Quiet runs in order of time, a row each: first window, end, missing arrivals, arrivals that came."""
    found = np.zeros((len(counts), 4))
    return found[: _find(counts, due, found)]


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _find(counts, due, found):  # type: ignore[no-untyped-def]
    """Enter maximal quiet runs; windows where nothing is usual and nothing came neither start nor end one."""
    size, start = 0, -1
    for k in range(len(counts)):
        if due[k] > 0 and counts[k] <= QUIET * due[k]:
            if start < 0:
                start = k
                size += 1
                found[size - 1, 0] = k
            found[size - 1, 1] = k + 1
            found[size - 1, 2] += due[k] - counts[k]
            found[size - 1, 3] += counts[k]
        elif due[k] > 0 or counts[k] > 0:
            start = -1
    return size
