"""The likeliest companions of every account: whose content one author explains better than two would.

Up to MOST_COMPARED accounts each is compared with every other one. Beyond, each is compared with a fixed random sample
and with those of its own bucket: accounts whose expected content lies around the same centre (k-means). The sample
keeps a large ring in everybody's view, the bucket a small one in that of its own members.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.authors import STEP, Accounts
from headwater.detect.spread import spread

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Small = npt.NDArray[np.float32]

NEIGHBOURS = 10
#: Accounts up to which all pairs are compared; beyond it, the size of the sample, of a bucket at the mean and at most.
MOST_COMPARED, SAMPLE, BUCKET, FULL = 12_000, 2_000, 1_000, 2_000
#: Accounts that the centres are learned from, and rounds of k-means.
LEARNED, ROUNDS = 40_000, 6
BLOCK = 8_192
#: Accounts of a bucket that are compared at once.
TOGETHER = 64


def nearest(accounts: Accounts, seed: int, workers: int = 1) -> tuple[Rows, Array]:
    """The NEIGHBOURS likeliest companions of each account (m × k rows) and nats for one author against two (m × k)."""
    size = len(accounts)
    k = min(NEIGHBOURS, size - 1)
    every = np.arange(size)
    step, at = np.unique(accounts.step, return_inverse=True)
    if size <= MOST_COMPARED:
        sample, start, members, of = every, np.zeros(2, np.int64), every[:0], np.zeros(size, np.int64)
    else:
        rng = np.random.default_rng(seed)
        sample = np.sort(rng.permutation(size)[:SAMPLE])
        of = _buckets(accounts, rng)
        start, members = _held(of, at, rng)
    # What pairs of two steps have in common is then worked out once a step.
    sample = sample[np.lexsort((sample, at[sample]))]
    found = np.full((size, k), -1, np.int64)
    score = np.full((size, k), np.finfo(np.float32).min)
    tables = _tables(accounts.between, STEP ** step.astype(np.float64))
    sampled = np.isin(every, sample)
    order = np.argsort(of, kind="stable")
    blocks = _blocks(of[order])

    def some(part: slice) -> None:
        _compared(
            accounts.mean, at, *tables, order, blocks[part.start : part.stop + 1], sample, sampled, of, start,
            members, found, score
        )  # fmt: skip

    spread(some, len(blocks) - 1, workers)
    return found, score.astype(np.float64)


def _tables(b: Array, counts: Array) -> tuple[Small, Small, Small]:
    """What a pair of numbers of exchanges (s) gives a pair of accounts.

    Factors (s × s × k) of the squares of the first one's mean and of the products of both, and a constant (s × s).
    """
    one, two = (b + 1 / counts[:, None])[:, None, :], (b + 1 / counts[:, None])[None, :, :]
    both = one * two - b**2
    own = 0.5 / one - 0.5 * two / both
    constant = 0.5 * np.log(one * two / both).sum(axis=2)
    return own.astype(np.float32), (b / both).astype(np.float32), constant.astype(np.float32)


def _buckets(accounts: Accounts, rng: np.random.Generator) -> Rows:
    """The centre (m) that each account's expected content is nearest to."""
    known = accounts.between / (accounts.between + 1 / accounts.count[:, None])
    content = (accounts.mean * known).astype(np.float32)
    some = content[rng.permutation(len(content))[:LEARNED]]
    centres = some[: max(2, len(content) // BUCKET)]
    for _ in range(ROUNDS):
        of = _nearest_centre(some, centres)
        total = np.zeros_like(centres)
        np.add.at(total, of, some)
        count = np.bincount(of, minlength=len(centres))[:, None]
        centres = np.where(count > 0, total / np.maximum(count, 1), centres).astype(np.float32)
    return _nearest_centre(content, centres)


def _nearest_centre(points: Small, centres: Small) -> Rows:
    out = np.empty(len(points), np.int64)
    half = 0.5 * np.einsum("ij,ij->i", centres, centres)
    for at in range(0, len(points), BLOCK):
        out[at : at + BLOCK] = (points[at : at + BLOCK] @ centres.T - half).argmax(axis=1)
    return out


def _held(of: Rows, step: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Where each bucket's accounts begin, and these (by step, then ascending), at most FULL drawn from each."""
    order = np.lexsort((rng.permutation(len(of)), of))
    size = np.bincount(of)
    place = np.arange(len(of)) - np.repeat(np.cumsum(size) - size, size)
    kept = order[place < FULL]
    kept = kept[np.lexsort((kept, step[kept], of[kept]))]
    return np.concatenate([[0], np.cumsum(np.minimum(size, FULL))]), kept


def _blocks(bucket: Rows) -> Rows:
    """Where blocks of TOGETHER accounts of one bucket begin (`bucket` ascending), and the end."""
    size = np.bincount(bucket)
    place = np.arange(len(bucket)) - np.repeat(np.cumsum(size) - size, size)
    return np.append(np.flatnonzero(place % TOGETHER == 0), len(bucket))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _of(mean: Small, rows: Rows) -> tuple[Small, Small]:
    """The means of some accounts, and their squares (rows × k each)."""
    means = mean[rows]
    return means, means * means


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _compared(
    mean: Small,
    step: Rows,
    own: Small,
    product: Small,
    constant: Small,
    order: Rows,
    blocks: Rows,
    sample: Rows,
    sampled: npt.NDArray[np.bool_],
    of: Rows,
    start: Rows,
    members: Rows,
    found: Rows,
    score: Small,
) -> None:
    """Fill `found` and `score`, best first; of equal ones the first.

    A block of accounts of one bucket at a time, against all of one step: what they say together is a product of
    matrices. Blocks don't depend on the number of threads, so neither does the last bit of it.
    """
    bucket, none = -1, np.zeros(len(sampled), np.bool_)
    mine, theirs, mine_of = members[:0], _of(mean, sample), _of(mean, members[:0])
    for at in range(len(blocks) - 1):
        block = order[blocks[at] : blocks[at + 1]]
        if of[block[0]] != bucket:
            bucket = of[block[0]]
            mine = members[start[bucket] : start[bucket + 1]]
            mine_of = _of(mean, mine)
        _against(mean, step, own, product, constant, block, sample, *theirs, none, found, score)
        _against(mean, step, own, product, constant, block, mine, *mine_of, sampled, found, score)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _against(
    mean: Small,
    step: Rows,
    own: Small,
    product: Small,
    constant: Small,
    block: Rows,
    others: Rows,
    means: Small,
    squares: Small,
    known: npt.NDArray[np.bool_],
    found: Rows,
    score: Small,
) -> None:
    """A block of accounts (by step) against `others` (by step; `means`, `squares`: theirs), the `known` left out."""
    width, k = mean.shape[1], found.shape[1]
    # What squares of others weigh differs with the step of an account alone, and a block has few.
    place, steps = np.empty(len(block), np.int64), 0
    for b in range(len(block)):
        steps += b == 0 or step[block[b]] != step[block[b - 1]]
        place[b] = steps - 1
    factor, base = np.empty((len(block), width), np.float32), np.empty(len(block), np.float32)
    weight = np.empty((steps, width), np.float32)
    first = 0
    while first < len(others):
        other = step[others[first]]
        last = first + 1
        while last < len(others) and step[others[last]] == other:
            last += 1
        for b in range(len(block)):
            i, here = block[b], step[block[b]]
            base[b] = constant[here, other] + _weighed(mean[i], own[here, other])
            weight[place[b]] = own[other, here]
            for c in range(width):
                factor[b, c] = mean[i, c] * product[here, other, c]
        nats, theirs = np.dot(factor, means[first:last].T), np.dot(weight, squares[first:last].T)
        for b in range(len(block)):
            i, alone = block[b], theirs[place[b]]
            least = score[i, k - 1]
            for at in range(last - first):
                one = nats[b, at] + alone[at] + base[b]
                if one > least:
                    j = others[first + at]
                    if i == j or known[j]:
                        continue
                    put = k - 1
                    while put > 0 and one > score[i, put - 1]:
                        score[i, put], found[i, put] = score[i, put - 1], found[i, put - 1]
                        put -= 1
                    score[i, put], found[i, put] = one, j
                    least = score[i, k - 1]
        first = last


@numba.njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator,unused-ignore]
def _weighed(mean: Small, weight: Small) -> np.float32:
    """The weighted sum of squares; in any order, so that the processor adds several at a time."""
    out = np.float32(0)
    for c in range(len(mean)):
        out += mean[c] * mean[c] * weight[c]
    return out
