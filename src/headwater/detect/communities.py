"""Communities of a weighted graph by Louvain's method: modularity climbed node by node, then group by group.

Source: V. Blondel, J.-L. Guillaume, R. Lambiotte and E. Lefebvre, "Fast unfolding of communities in large networks",
J. Stat. Mech. P10008 (2008). A log of sixteen million exchanges has ten thousand small graphs to divide, for each of
which a library spends a millisecond on matrices. The result is that of scikit-network 0.33 (a test compares them),
down to its single precision and the order in which sums are taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


class Weights(NamedTuple):
    """A symmetric matrix of weights, none negative (n × n), row after row, columns ascending, without zeros.

    `start` (n + 1) is where each row begins, `column` and `weight` are its entries.
    """

    start: Ints
    column: Ints
    weight: Floats

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> Weights:
        """The same of a sparse matrix."""
        if not matrix.has_sorted_indices or not matrix.data.all():
            matrix = matrix.sorted_indices()
            matrix.eliminate_zeros()
        weight = np.asarray(matrix.data, np.float64)
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), weight)

    @property
    def row(self) -> Ints:
        """The row of each entry."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @property
    def sums(self) -> Floats:
        """The sum of each row."""
        return np.bincount(self.row, self.weight, len(self.start) - 1).astype(np.float64)


def communities(ties: Weights) -> Ints:
    """The community of each node (n), numbered by size.

    Communities of one size may be numbered otherwise than by scikit-network, which leaves that to its sort.
    """
    total = ties.weight.sum() * 2.0
    sums = ties.sums
    label = np.arange(len(sums))
    if total > 0:
        _divided(ties.start, ties.column, ties.weight * 2.0 / total, sums / sums.sum(), label)
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
