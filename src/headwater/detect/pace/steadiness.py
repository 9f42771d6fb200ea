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


@njit(cache=True)  # type: ignore[misc,unused-ignore]
def _steps(positions, lengths, lag, period, window, in_flight, delta, touched):  # type: ignore[no-untyped-def]
    """Enter one account's steps between windows into `delta`; how many places of it were touched."""
    seen, count = 0, len(delta)
    for j in range(len(positions)):
        at = positions[j] + lag
        if at < 0:
            at += period
        elif at >= period:
            at -= period
        if in_flight:
            first = (at + window - 1) // window
            last = (at + lengths[j] + window - 1) // window
        else:
            first = at // window
            last = first + 1
        # a request between two sampling points is never seen; one that lasts a whole turn changes nothing
        if last == first or last - first >= count:
            continue
        touched[seen], touched[seen + 1] = first % count, last % count
        delta[first % count] += 1
        delta[last % count] -= 1
        seen += 2
    return seen


@njit(cache=True)  # type: ignore[misc,unused-ignore]
def _sums(  # type: ignore[no-untyped-def]
    positions, lengths, bounds, lags, period, window, valid, in_flight, together, apart, squares
) -> None:
    """For each row of lags Σ(ΔΣNᵢ)² into `together` and ΣΣ(ΔNᵢ)² into `apart`; row 0 also by account."""
    accounts = len(bounds) - 1
    delta = np.zeros(period // window, np.int64)
    touched = np.empty(2 * len(positions), np.int64)
    for row in range(lags.shape[0]):
        total = np.zeros(len(delta), np.int64)
        for i in range(accounts):
            low, high = bounds[i], bounds[i + 1]
            seen = _steps(
                positions[low:high],
                lengths[low:high],
                lags[row, i],
                period,
                window,
                in_flight,
                delta,
                touched,
            )
            square = 0
            for s in range(seen):
                k = touched[s]
                total[k] += delta[k]
                if valid[k]:
                    square += delta[k] * delta[k]
                delta[k] = 0
            apart[row] += square
            if row == 0:
                squares[i] = square
        for k in range(len(delta)):
            if valid[k]:
                together[row] += total[k] * total[k]


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
    requests at `bounds[i]:bounds[i+1]`; `lags` (shifts × accounts) are added to them, each smaller than the
    period. `valid[k]` says whether the step from window k−1 to k counts. A ratio without any variance is NaN.
    """
    together = np.zeros(len(lags), np.int64)
    apart = np.zeros(len(lags), np.int64)
    squares = np.zeros(len(bounds) - 1, np.int64)
    _sums(positions, lengths, bounds, lags, period, window, valid, in_flight, together, apart, squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(apart > 0, together / apart, np.nan), squares
