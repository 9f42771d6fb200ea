"""Communities of a weighted graph by Louvain's method: modularity climbed node by node, then group by group.

Source: V. Blondel, J.-L. Guillaume, R. Lambiotte and E. Lefebvre, "Fast unfolding of communities in large networks",
J. Stat. Mech. P10008 (2008). A log of sixteen million exchanges has ten thousand small graphs to divide, for each of
which a library spends a millisecond on matrices. The result is that of scikit-network 0.33 (a test compares them),
down to its single precision and the order in which sums are taken.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Modularity gained by a round over all nodes, and by a level of groups, below which it is the last one.
LEAST_OF_ROUND = LEAST_OF_LEVEL = np.float32(1e-3)
#: Modularity is 1 at most, so that no more rounds can gain that much.
MOST_ROUNDS = 1_000


def communities(ties: sparse.csr_matrix) -> Ints:
    """The community of each node (n), numbered by size, of a symmetric matrix of weights, none negative (n × n).

    Communities of one size may be numbered otherwise than by scikit-network, which leaves that to its sort.
    """
    if not ties.has_sorted_indices or not ties.data.all():
        ties = ties.sorted_indices()
        ties.eliminate_zeros()
    size = ties.shape[0]
    total = ties.data.sum() * 2.0
    weight = np.asarray(ties.sum(axis=1), np.float64).ravel()
    label = np.arange(size)
    if total > 0:
        shares = np.asarray(ties.data, np.float64) * 2.0 / total
        _divided(
            ties.indptr.astype(np.int64), ties.indices.astype(np.int64), shares, weight / weight.sum(), label
        )
    _, place, count = np.unique(label, return_inverse=True, return_counts=True)
    rank = np.empty(len(count), np.int64)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(count))
    return rank[place]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _divided(start: Ints, column: Ints, share: Floats, weight: Floats, label: Ints) -> None:
    """Give each node the `label` of its group, level by level."""
    while True:
        of, gained = _climbed(start, column, share.astype(np.float32), weight.astype(np.float32), len(weight))
        groups = _numbered(of)
        for i in range(len(label)):
            label[i] = of[label[i]]
        if groups == 1 or gained <= LEAST_OF_LEVEL:
            return
        start, column, share, weight = _grouped(start, column, share, weight, of, groups)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _numbered(of: Ints) -> int:
    """Number the groups from 0, in their order; how many there are."""
    number = np.full(len(of), -1, np.int64)
    for group in of:
        number[group] = 0
    count = 0
    for group in range(len(of)):
        if number[group] == 0:
            number[group] = count
            count += 1
    for i in range(len(of)):
        of[i] = number[of[i]]
    return count


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _climbed(start: Ints, column: Ints, share: Any, weight: Any, size: int) -> tuple[Ints, Any]:
    """Move nodes, in rounds, to the group that gains most by it; the group of each, and what was gained."""
    two = np.float32(2)
    of, held = np.arange(size), weight.copy()
    tied, near, seen = np.zeros(size, np.float32), np.empty(size, np.int64), np.full(size, -1)
    gained = np.float32(0)
    for _ in range(MOST_ROUNDS):
        more = np.float32(0)
        seen[:] = -1
        for i in range(size):
            here, count, itself = of[i], 0, np.float32(0)
            for at in range(start[i], start[i + 1]):
                group = of[column[at]]
                if column[at] == i:
                    itself += share[at]
                if seen[group] != i and group != here:
                    seen[group] = i
                    near[count] = group
                    count += 1
                tied[group] += share[at]
            if count:
                near[:count].sort()
                mine = weight[i]
                leaves = two * (tied[here] - itself)
                leaves -= mine * (held[here] - mine)
                leaves -= mine * (held[here] - mine)
                best, to = np.float32(0), here
                for group in near[:count]:
                    gain = two * tied[group]
                    gain -= mine * held[group]
                    gain -= mine * held[group]
                    gain -= leaves
                    if gain > best:
                        best, to = gain, group
                    tied[group] = 0
                if to != here:
                    more += best
                    of[i] = to
                    held[here] -= mine
                    held[to] += mine
            tied[here] = 0
        gained += more
        if more <= LEAST_OF_ROUND:
            break
    return of, gained


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _grouped(
    start: Ints, column: Ints, share: Floats, weight: Floats, of: Ints, groups: int
) -> tuple[Ints, Ints, Floats, Floats]:
    """The graph of the groups. Sums and columns are in the order in which products of sparse matrices have them."""
    order, begin = np.argsort(of, kind="mergesort"), np.zeros(groups + 1, np.int64)
    for group in of:
        begin[group + 1] += 1
    for group in range(groups):
        begin[group + 1] += begin[group]
    first, columns, shares = (
        np.zeros(groups + 1, np.int64),
        np.empty(len(column), np.int64),
        np.empty(len(column)),
    )
    weights = np.zeros(groups)
    # What one node has with each group, and what one group has with each other.
    one, every = np.zeros(groups), np.zeros(groups)
    seen, met = np.zeros(groups, np.bool_), np.zeros(groups, np.bool_)
    mine, ours = np.empty(groups, np.int64), np.empty(groups, np.int64)
    end = 0
    for group in range(groups):
        many = 0
        for i in order[begin[group] : begin[group + 1]]:
            weights[group] += weight[i]
            count = 0
            for at in range(start[i], start[i + 1]):
                other = of[column[at]]
                if not seen[other]:
                    seen[other] = True
                    mine[count] = other
                    count += 1
                one[other] += share[at]
            for k in range(count - 1, -1, -1):
                other = mine[k]
                if not met[other]:
                    met[other] = True
                    ours[many] = other
                    many += 1
                every[other] += one[other]
                one[other], seen[other] = 0.0, False
        for k in range(many - 1, -1, -1):
            other = ours[k]
            columns[end], shares[end] = other, every[other]
            every[other], met[other] = 0.0, False
            end += 1
        first[group + 1] = end
    return first, columns[:end], shares[:end], weights
