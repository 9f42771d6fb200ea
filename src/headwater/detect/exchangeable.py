"""One queue: is it chance which account sent which prompt?

If a dispatcher deals prompts to accounts, the accounts' labels carry no information about content: they are
exchangeable, and a permutation of them leaves the likeness within accounts as it was. Different people differ, even
at the same task, so their own prompts are more alike than chance. The statistic is the two-sample kernel distance
(MMD, Gretton et al. 2012) between accounts, used the other way round: too *similar* is the signal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.counting import add_rows

#: More units than this are thinned, evenly over accounts: power is long sufficient there.
MOST_UNITS = 6000
#: An account has so many times the units of the middle one at most, or this many.
BUSY, LEAST_UNITS = 4, 8
#: Blocks of time tried, shortest first, in seconds: a queue drifts, so labels move only within a block.
BLOCKS_S = (3600, 6 * 3600, 86400, 7 * 86400, 10**9)
LEAST_ACCOUNTS = 3
LEAST_PAIRS = 10


@dataclass(frozen=True)
class Exchangeability:
    """Outcome of the permutation test on one group.

    `z`: within-account likeness against permuted labels (0: dealt from one queue; large: separate authors).
    `author_effect`: the same as an intraclass correlation (share of content variance between accounts).
    `power`: the z that an author effect of 1 would give, so that z = author_effect × power. `pairs`: pairs of units
    of one account compared. `p_low`, `p_high`: (1 + #)/(permutations + 1) in either tail. `enough` is false where
    there is too little to say anything.
    """

    z: float
    author_effect: float
    power: float
    pairs: int
    units: int
    accounts: int
    block_s: int
    p_low: float
    p_high: float
    enough: bool


NOT_ENOUGH = Exchangeability(0.0, 0.0, 0.0, 0, 0, 0, 0, 1.0, 1.0, False)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _within(vectors: npt.NDArray[np.float32], label: npt.NDArray[np.int64], accounts: int) -> float:
    """Sum over accounts of |sum of their vectors|²."""
    width = vectors.shape[1]
    total = np.zeros((accounts, width), np.float32)
    for i in range(len(label)):
        row = total[label[i]]
        v = vectors[i]
        for j in range(width):
            row[j] += v[j]
    out = 0.0
    for a in range(accounts):
        part = np.float32(0)
        for j in range(width):
            part += total[a, j] * total[a, j]
        out += float(part)
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _permuted(
    vectors: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
    bounds: npt.NDArray[np.int64],
    accounts: int,
    draws: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """`_within` for each row of `draws` (uniform), by which labels are permuted within blocks (Fisher and Yates)."""
    out = np.empty(len(draws))
    moved = np.empty_like(label)
    for turn in range(len(draws)):
        moved[:] = label
        for block in range(len(bounds) - 1):
            low = bounds[block]
            for i in range(bounds[block + 1] - 1, low, -1):
                j = low + int(draws[turn, i] * (i - low + 1))
                held = moved[i]
                moved[i] = moved[j]
                moved[j] = held
        out[turn] = _within(vectors, moved, accounts)
    return out


def exchangeability(
    vectors: npt.NDArray[np.float32],
    account: npt.NDArray[np.int64],
    at_us: npt.NDArray[np.int64],
    *,
    seed: int,
    permutations: int = 199,
    strata: npt.NDArray[np.int64] | None = None,
) -> Exchangeability:
    """Test whether units' accounts are exchangeable within blocks of time.

    `vectors` (n × d) are whitened contents of *units*: whole sessions or conversations, never single turns, which are
    alike within one. `account` (n) labels them, `at_us` (n) is when each began. Units are expected in a canonical
    order. Labels move within `strata` (n) only, if given. Source: permutation tests of MMD (Gretton et al., JMLR 13,
    2012); stratified permutation as in Good (2005).
    """
    rng = np.random.default_rng(seed)
    keep = _thin(account, rng)
    names, label = np.unique(account[keep], return_inverse=True)
    vectors, at_us = vectors[keep], at_us[keep]
    stratum = np.zeros(len(keep), np.int64) if strata is None else strata[keep]
    sizes = np.bincount(label)
    pairs = int((sizes * (sizes - 1)).sum() // 2)
    if len(names) < LEAST_ACCOUNTS or pairs < LEAST_PAIRS:
        return NOT_ENOUGH
    block_s = _block(label, at_us, stratum)
    block = _cells(at_us, block_s, stratum)
    order = np.lexsort((label, block))
    vectors, label, block = vectors[order], label[order].astype(np.int64), block[order]
    if strata is None:
        vectors = (vectors - vectors.mean(axis=0)).astype(np.float32)
    else:
        vectors = _centred(vectors, stratum[order])
    variance = float(np.einsum("ij,ij->", vectors, vectors, dtype=np.float64) / len(vectors))
    if variance < 1e-9:
        return NOT_ENOUGH
    observed = _within(vectors, label, len(names))
    bounds = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1], [True]]))
    null = _permuted(vectors, label, bounds, len(names), rng.random((permutations, len(label))))
    sd = float(null.std(ddof=1))
    if sd < 1e-9 * variance * pairs:
        return NOT_ENOUGH
    z = (observed - float(null.mean())) / sd
    power = 2 * pairs * variance / sd
    return Exchangeability(
        z=z,
        author_effect=z / power,
        power=power,
        pairs=pairs,
        units=len(label),
        accounts=len(names),
        block_s=block_s,
        p_low=float(1 + (null <= observed).sum()) / (permutations + 1),
        p_high=float(1 + (null >= observed).sum()) / (permutations + 1),
        enough=True,
    )


def _thin(account: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Indices of at most MOST_UNITS units: whole accounts are kept, as many as fit, in a random order.

    A few very busy accounts must not crowd out the rest, nor be all that pairs are made of: each is cut to its share,
    and to BUSY times what the middle one has.
    """
    names, label, sizes = np.unique(account, return_inverse=True, return_counts=True)
    most = max(int(BUSY * np.median(sizes)), LEAST_UNITS)
    if len(account) > MOST_UNITS:
        most = min(most, max(MOST_UNITS // len(names), LEAST_UNITS))
    rank = np.empty(len(account), np.int64)
    shuffled = rng.permutation(len(account))
    by_account = shuffled[np.argsort(label[shuffled], kind="stable")]
    rank[by_account] = np.arange(len(account)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept_size = np.minimum(sizes, most)
    turn = rng.permutation(len(names))
    fits = np.zeros(len(names), bool)
    fits[turn[np.cumsum(kept_size[turn]) <= MOST_UNITS]] = True
    return np.flatnonzero((rank < most) & fits[label])


def _centred(vectors: npt.NDArray[np.float32], stratum: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Vectors about their stratum's mean: what strata differ by is no matter of the test."""
    names, where = np.unique(stratum, return_inverse=True)
    total = np.zeros((len(names), vectors.shape[1]))
    add_rows(total, where, vectors)
    return (vectors - (total / np.bincount(where)[:, None])[where]).astype(np.float32)


def _cells(
    at_us: npt.NDArray[np.int64], block_s: int, stratum: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """A number for each block of time in each stratum."""
    _, cell = np.unique(_in_time(at_us, block_s, stratum), return_inverse=True)
    return np.asarray(cell, np.int64)


def _in_time(
    at_us: npt.NDArray[np.int64], block_s: int, stratum: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The same for each block of time in each stratum, another for any other."""
    return np.asarray(stratum * 2**40 + at_us // (block_s * 1_000_000), np.int64)


def _block(label: npt.NDArray[np.intp], at_us: npt.NDArray[np.int64], stratum: npt.NDArray[np.int64]) -> int:
    """The shortest block in which most units stand beside units of at least two other accounts."""
    order = np.argsort(label, kind="stable")
    label, at_us, stratum = label[order], at_us[order], stratum[order]
    for seconds in BLOCKS_S:
        if _beside_others(label, _in_time(at_us, seconds, stratum)) >= 0.8 * len(label):
            return seconds
    return BLOCKS_S[-1]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _beside_others(label: npt.NDArray[np.int64], cell: npt.NDArray[np.int64]) -> int:
    """How many units (in order of `label`) stand in a cell with at least three labels."""
    order = np.argsort(cell, kind="mergesort")  # stable: in a cell labels are in order, too
    found = begin = labels = 0
    for i in range(len(order)):
        row = order[i]
        if cell[row] != cell[order[begin]]:
            found += i - begin if labels >= 3 else 0
            begin, labels = i, 1
        elif i == begin or label[row] != label[order[i - 1]]:
            labels += 1
    return found + (len(order) - begin if labels >= 3 else 0)
