"""Accounts whose prompts could all come from one queue, found without a template.

Accounts dealt from one queue have the same expected content, so the distance between their means is only noise; the
centre of many such accounts is known far better than any one of them. From each seed (an account and its nearest
neighbours) the centre is refined until the set of accounts that can't be told from it stands still. What comes out is
a proposal, to be confirmed on fresh sessions by the permutation test: innocents chosen for being alike look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NEIGHBOURS = 10
#: Accounts compared with every other; beyond this many each is compared with a fixed random sample of this size.
MOST_COMPARED = 8_000
ROUNDS = 8
#: Distance to the centre, in its own noise, within which an account can't be told from it (two-sided).
NEAR, FAR = 1.3, -2.5
BLOCK = 512


@dataclass(frozen=True)
class Accounts:
    """Accounts with enough to compare: `code` (m), `mean` (m × d), `own` (m), `count` (m), `pairs` (m).

    `own` is the unbiased estimate of |mean|² from pairs of exchanges of different sessions, `pairs` their number
    (ordered), `spread` the trace of the squared covariance of one exchange's vector.
    """

    code: npt.NDArray[np.int32]
    mean: Array
    own: Array
    count: Array
    pairs: Array
    spread: float


@dataclass(frozen=True)
class Cluster:
    """Accounts that can't be told from a common centre: positions in `Accounts`, and their mean distance in noise."""

    members: npt.NDArray[np.int64]
    seed_score: float


def nearest(accounts: Accounts, seed: int) -> tuple[npt.NDArray[np.int64], Array]:
    """The NEIGHBOURS nearest accounts of each (m × k positions) and their distances in noise (m × k).

    Distance: unbiased linear MMD², own_i + own_j − 2 mean_i·mean_j, over its standard deviation under one queue.
    """
    size = len(accounts.code)
    k = min(NEIGHBOURS, size - 1)
    against = np.arange(size)
    if size > MOST_COMPARED:
        against = np.sort(np.random.default_rng(seed).permutation(size)[:MOST_COMPARED])
    mean = accounts.mean.astype(np.float32)
    own, part = accounts.own.astype(np.float32), (2 * accounts.spread / accounts.pairs).astype(np.float32)
    each = (4 * accounts.spread / accounts.count).astype(np.float32)
    inverse = (1 / accounts.count).astype(np.float32)
    found = np.empty((size, k), np.int64)
    score = np.empty((size, k))
    for at in range(0, size, BLOCK):
        rows = slice(at, min(at + BLOCK, size))
        distance = own[rows, None] + own[None, against] - 2 * mean[rows] @ mean[against].T
        noise = part[rows, None] + part[None, against] + each[rows, None] * inverse[None, against]
        distance /= np.sqrt(noise)
        distance[against[None, :] == np.arange(size)[rows, None]] = np.inf
        best = np.argpartition(distance, k - 1, axis=1)[:, :k]
        value = np.take_along_axis(distance, best, axis=1)
        order = np.lexsort((against[best], value), axis=1)
        found[rows] = against[np.take_along_axis(best, order, axis=1)]
        score[rows] = np.take_along_axis(value, order, axis=1)
    return found, score


def clusters(
    accounts: Accounts, neighbours: npt.NDArray[np.int64], score: Array, *, most: int = 60, fewest: int = 5
) -> list[Cluster]:
    """Grow clusters from the most suspicious seeds; a seed already inside one is passed over."""
    rank = score.mean(axis=1)
    covered = np.zeros(len(rank), bool)
    out: list[Cluster] = []
    tried = 0
    for seed in np.lexsort((accounts.code, rank)):
        if tried >= most or rank[seed] > NEAR:
            break
        if covered[seed]:
            continue
        tried += 1
        members = _grow(accounts, np.unique(np.append(neighbours[seed], seed)), fewest)
        covered[seed] = True
        if members is None:
            continue
        covered[members] = True
        if not any(np.array_equal(members, c.members) for c in out):
            out.append(Cluster(members, float(rank[seed])))
    return out


def _grow(accounts: Accounts, members: npt.NDArray[np.int64], fewest: int) -> npt.NDArray[np.int64] | None:
    for _ in range(ROUNDS):
        distance = to_centre(accounts, members)
        inside = np.flatnonzero((distance < NEAR) & (distance > FAR))
        if len(inside) < fewest:
            return None
        if np.array_equal(inside, members):
            break
        members = inside
    return members


def to_centre(accounts: Accounts, members: npt.NDArray[np.int64]) -> Array:
    """Distance of every account to the centre of `members`, in its own noise; members are left out of their centre."""
    size = len(members)
    mean, own = accounts.mean, accounts.own
    total = mean[members].sum(axis=0)
    # |centre|² without bias: products of different members, and each member's own unbiased square.
    square = (
        total @ total - np.einsum("ij,ij->", mean[members], mean[members]) + own[members].sum()
    ) / size**2
    distance = own + square - 2 * mean @ total / size
    if size > 1:
        others = (total - mean[members]) / (size - 1)
        distance[members] = own[members] + square - 2 * np.einsum("ij,ij->i", mean[members], others)
    noise = 2 * accounts.spread / accounts.pairs + 4 * accounts.spread / (
        accounts.count * accounts.count[members].sum()
    )
    return np.asarray(distance / np.sqrt(noise))
