"""R = Var(ΣNᵢ) / ΣVar(Nᵢ) from first differences, for a group's requests as seen and as shifted.

A difference between neighbouring windows forgets any rhythm that is slow against the window, so the variances
are local without a fitted trend. Integer sums only: the same input gives the same ratio on every machine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _seam(whole, part, low, high, turn, carry, count):  # type: ignore[no-untyped-def]
    """The first place of [low, high) that a lag carries past the end of the circle."""
    while low < high:
        middle = (low + high) // 2
        if whole[middle] + turn + (part[middle] >= carry) < count:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _arrived(whole, part, turn, carry, valid, total, run):  # type: ignore[no-untyped-def]
    """Walk arrivals in order: add them to `total`; Σ(Nₖ − Nₖ₋₁)² grown from `run` = (sum, window, N, N before)."""
    square, here, now, before = run
    for j in range(len(whole)):
        k = whole[j] + turn + (part[j] >= carry)
        if k != here:
            before = now if k == here + 1 else 0
            here, now = k, 0
        # one more in window k: the step into it changes, and the step out of it
        at = np.uintp(k)  # never negative, and need not be asked
        square += valid[at] * (2 * (now - before) + 1) + valid[at + np.uintp(1)] * (2 * now + 1)
        now += 1
        total[at] += 1
    return square, here, now, before


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _stepped(whole, part, sign, turn, carry, valid, total, run):  # type: ignore[no-untyped-def]
    """Walk beginnings and ends in order: Σ(ΔNₖ)² grown from `run` = (sum, window, ΔN, Σ(ΔΣNₖ)² of all so far)."""
    square, here, step, joint = run
    for j in range(len(whole)):
        k = whole[j] + turn + (part[j] >= carry)
        if k != here:
            here, step = k, 0
        at = np.uintp(k)
        square += valid[at] * (2 * sign[j] * step + 1)
        joint += valid[at] * (2 * sign[j] * total[at] + 1)
        step += sign[j]
        total[at] += sign[j]
    return square, here, step, joint


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _sums(whole, part, sign, bounds, lags, window, valid):  # type: ignore[no-untyped-def]
    """For each row of lags Σ(ΔΣNᵢ)² and ΣΣ(ΔNᵢ)²; for row 0 also the latter by account."""
    rows, accounts, count = len(lags), len(bounds) - 1, len(valid) - 1
    together, apart = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    squares, total = np.zeros(accounts, np.int64), np.zeros(count, np.int32)
    for row in range(rows):
        joint = np.int64(0)
        for i in range(accounts):
            lag = lags[row, i] if lags[row, i] >= 0 else lags[row, i] + count * window
            turn, low, high = lag // window, bounds[i], bounds[i + 1]
            carry = window - (lag - turn * window)
            seam = _seam(whole, part, low, high, turn, carry, count)
            run = (np.int64(0), np.int64(-2), np.int64(0), joint if len(sign) else np.int64(0))
            # what the lag carries past the end of the circle comes first on it
            for start, end, at in ((seam, high, turn - count), (low, seam, turn)):
                windows, rests = whole[start:end], part[start:end]
                if len(sign):
                    run = _stepped(windows, rests, sign[start:end], at, carry, valid, total, run)
                else:
                    run = _arrived(windows, rests, at, carry, valid, total, run)
            apart[row] += run[0]
            joint = run[3]
            if row == 0:
                squares[i] = run[0]
        if len(sign):
            together[row] = joint
        else:
            for k in range(1, count):
                step = np.int64(total[k]) - total[k - 1]
                together[row] += valid[k] * step * step
        _emptied(total, whole, part, bounds, lags[row], window)
    return together, apart, squares


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _emptied(total, whole, part, bounds, lags, window):  # type: ignore[no-untyped-def]
    """Set `total` to 0: everywhere, or where something was added if that is less."""
    if len(total) <= 2 * len(whole):
        total[:] = 0
        return
    for i in range(len(bounds) - 1):
        lag = lags[i] if lags[i] >= 0 else lags[i] + len(total) * window
        turn = lag // window
        carry = window - (lag - turn * window)
        for j in range(bounds[i], bounds[i + 1]):
            total[(whole[j] + turn + (part[j] >= carry)) % len(total)] = 0


def _steps(positions: Int, lengths: Int, bounds: Int, period: int, window: int) -> tuple[Int, Int, Int]:
    """(places, signs, bounds) where requests in flight begin (+1) and end (−1), in order for each account.

    Sampled at the starts of windows. A request that lasts a whole turn changes nothing.
    """
    owner = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    kept = lengths < period
    at = positions[kept] + window - 1
    places = np.concatenate([at, at + lengths[kept]]) % period
    owner = np.tile(owner[kept], 2).astype(np.min_scalar_type(len(bounds)))
    order = np.argsort(places)
    order = order[np.argsort(owner[order], kind="stable")]
    sign = np.repeat(np.array([1, -1], np.int64), len(at))[order]
    sizes = np.bincount(owner, minlength=len(bounds) - 1)
    return places[order], sign, np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def ratios(
    positions: Int,
    lengths: Int,
    bounds: Int,
    lags: Int,
    *,
    period: int,
    window: int,
    valid: npt.NDArray[np.bool_],
    in_flight: bool,
) -> tuple[Float, Int]:
    """(R per row of `lags`, squared differences per account in the first row).

    `positions` and `lengths` are µs on a circle of `period` µs (a whole number of windows), account i's
    requests at `bounds[i]:bounds[i+1]`, positions ascending; `lags` (shifts × accounts) are added to them, each
    smaller than the period. `valid[k]` says whether the step from window k−1 to k counts; the one into window 0
    never does. A ratio without any variance is NaN. Raises ValueError for what lies off the circle.
    """
    if len(positions) and (positions.min() < 0 or positions.max() >= period):
        raise ValueError("a position lies off the circle")
    if lags.size and (lags.min() <= -period or lags.max() >= period):
        raise ValueError("a lag is no smaller than the period")
    places, sign = positions, np.empty(0, np.int64)
    if in_flight:
        places, sign, bounds = _steps(positions, lengths, bounds, period, window)
    # window and rest apart, so that a lag costs a comparison in place of a division
    whole = places // window
    counted = np.zeros(period // window + 1, np.int8)
    counted[1:-1] = valid[1:]
    together, apart, squares = _sums(
        whole.astype(np.int32), places - whole * window, sign.astype(np.int8), bounds, lags, window, counted
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(apart > 0, together / apart, np.nan), squares
