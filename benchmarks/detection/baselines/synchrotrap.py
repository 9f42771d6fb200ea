"""SynchroTrap: accounts that do the same things at the same times, over and over.

Cao, Yang, Yu and Palow, "Uncovering Large Groups of Active Malicious Accounts in Online Social Networks" (CCS 2014).
Actions of two accounts match when they are on one object within a time window; likeness is the Jaccard index of their
actions under that matching, over all objects; single-linkage clustering joins accounts above a threshold.
Adapted to text: an object is a template (skeleton or opening of the prompt), not a page or an address, since those who
share out a harvest never send one prompt twice. Windows are cells of two grids, the second shifted by half a cell, so
that actions within half a window always match. A cell with more than `MOST` accounts is cut into runs of neighbours in
time: a narrower window where there is a crowd, and work that is linear in the log. An account's score is the highest
threshold at which single linkage puts it into a cluster of `FEWEST`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from baselines.log import Floats, Ints, Log, Scored, objects

HOUR_US = 3_600_000_000
#: The paper's clusters hold hundreds; a ring of API accounts is reported here from five on, like templates.
FEWEST = 5
#: Accounts of one cell that are compared, matches that a pair needs (one exchange makes two), least likeness kept.
MOST, MATCHES, LEAST = 200, 3, 0.01
#: Accounts whose pairs are counted at once.
BLOCK = 1_000


def cells(account: Ints, at_us: Ints, code: Ints, width_us: int, shift_us: int) -> csr_array:
    """Accounts × cells, 1 where an account acts on the cell's object in the cell's time."""
    slot = (at_us + shift_us) // width_us
    key = (
        np.unique(code, return_inverse=True)[1] * (int(slot.max()) - int(slot.min()) + 1) + slot - slot.min()
    )
    order = np.lexsort((at_us, key))
    account, key = account[order], key[order]
    # Once for each account and cell, at its first action there.
    first = np.sort(np.unique(key * (int(account.max()) + 1) + account, return_index=True)[1])
    account, key = account[first], key[first]
    start = np.r_[0, np.flatnonzero(np.diff(key)) + 1]
    rank = np.arange(len(key)) - np.repeat(start, np.diff(np.r_[start, len(key)]))
    cell = np.unique(np.stack([key, rank // MOST], axis=1), axis=0, return_inverse=True)[1].ravel()
    ones: npt.NDArray[np.int32] = np.ones(len(cell), np.int32)
    return csr_array((ones, (account, cell)), (int(account.max()) + 1, int(cell.max()) + 1))


def likenesses(grids: Sequence[csr_array]) -> Iterator[tuple[Ints, Floats]]:
    """Pairs of accounts (m × 2, left < right) with `MATCHES` or more a grid, on average, and their Jaccard index."""
    acted = np.sum([np.asarray(grid.sum(axis=1)).ravel() for grid in grids], axis=0)
    useful = [grid[:, np.flatnonzero(np.asarray(grid.sum(axis=0)).ravel() > 1)].tocsr() for grid in grids]
    for at in range(0, useful[0].shape[0], BLOCK):
        both = sum(
            (grid[at : at + BLOCK] @ grid[at:].T for grid in useful[1:]),
            useful[0][at : at + BLOCK] @ useful[0][at:].T,
        )
        both = both.tocoo()
        keep = (both.row < both.col) & (both.data >= MATCHES * len(grids))
        left, right, common = both.row[keep] + at, both.col[keep] + at, both.data[keep].astype(np.float64)
        alike = common / (acted[left] + acted[right] - common)
        good = alike >= LEAST
        yield np.stack([left[good], right[good]], axis=1).astype(np.int64), alike[good]


def synchrotrap(log: Log, parts: Sequence[str] = ("skeleton", "opening"), width_us: int = HOUR_US) -> Scored:
    """Highest likeness at which an account belongs to a cluster of `FEWEST`; links are those of single linkage."""
    row, code = objects(log, parts)
    if not len(row):
        return Scored.alone(np.zeros(log.accounts))
    account, at_us = log.account[row], log.at_us[row]
    grids = [cells(account, at_us, code, width_us, shift) for shift in (0, width_us // 2)]
    found = list(likenesses(grids))
    pairs = np.concatenate([p for p, _ in found])
    strength = np.concatenate([s for _, s in found])
    size = log.accounts
    # Single linkage is the spanning tree of greatest likeness; 2 − likeness keeps every weight above 0.
    graph = coo_array((2 - strength, (pairs[:, 0], pairs[:, 1])), (size, size)).tocsr()
    tree = minimum_spanning_tree(graph).tocoo()
    links, strength = np.stack([tree.row, tree.col], axis=1).astype(np.int64), 2 - tree.data
    return Scored(linkage(size, links, strength, FEWEST), links, strength)


def linkage(size: int, links: Ints, strength: Floats, fewest: int) -> Floats:
    """The strength at which each of `size` accounts first stands in a cluster of `fewest`; 0 for those who never do."""
    parent = list(range(size))
    members = [[i] for i in range(size)]
    scores = np.zeros(size)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for at in np.lexsort((links[:, 1], links[:, 0], -strength)).tolist():
        large, small = sorted((root(int(i)) for i in links[at]), key=lambda i: (-len(members[i]), i))
        for part in (large, small):
            if len(members[large]) + len(members[small]) >= fewest > len(members[part]):
                scores[members[part]] = strength[at]
        members[large] += members[small]
        members[small] = []
        parent[small] = large
    return scores
