"""FRAUDAR: the densest part of who-uses-what, where common objects weigh little.

Hooi, Song, Beutel, Shah, Shin and Faloutsos, "FRAUDAR: Bounding Graph Fraud in the Face of Camouflage" (KDD 2016).
In the bipartite graph of accounts and objects an edge weighs 1 / log(d + 5), d being the object's degree; vertices are
taken away greedily, the least connected first, and the best average weight on the way is a set of at least half the
greatest density. Its edges are taken out and the next set is sought, as in the authors' code.
Adapted to text: objects are templates and shingles (skeleton, opening, minimisers) that two accounts or more share;
an object of one account alone, as nearly every opening is, would make a star of each busy account. Accounts have no
prior suspicion of their own. The paper names sets; a score is needed here, so accounts of a set have its density, and
within it are ranked by their weight in it; others have the density of the last set on the way that still held them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from baselines.log import Floats, Ints, Log, Scored, objects, shared

#: The paper's constant in 1 / log(d + c), how many sets are sought, and how much of an account's weight breaks ties.
C, SETS, TIE = 5.0, 5, 1e-3


@njit(cache=True)
def _peel(offsets: Any, other: Any, weight: Any) -> Any:
    """Vertices in the order of removal, and the average weight before each; the least is found in a tree of minima."""
    n = len(offsets) - 1
    leaves = 1
    while leaves < n:
        leaves *= 2
    tree = np.full(2 * leaves, np.inf)
    total = 0.0
    for i in range(n):
        degree = 0.0
        for e in range(offsets[i], offsets[i + 1]):
            degree += weight[e]
        tree[leaves + i] = degree
        total += degree / 2
    for i in range(leaves - 1, 0, -1):
        tree[i] = min(tree[2 * i], tree[2 * i + 1])
    order = np.empty(n, np.int64)
    density = np.empty(n, np.float64)
    for step in range(n):
        density[step] = total / (n - step)
        i = 1
        while i < leaves:
            i = 2 * i if tree[2 * i] <= tree[2 * i + 1] else 2 * i + 1
        least = i - leaves
        order[step] = least
        total -= tree[i]
        tree[i] = np.inf
        while i > 1:
            i //= 2
            tree[i] = min(tree[2 * i], tree[2 * i + 1])
        for e in range(offsets[least], offsets[least + 1]):
            i = leaves + other[e]
            if tree[i] == np.inf:
                continue
            tree[i] -= weight[e]
            while i > 1:
                i //= 2
                tree[i] = min(tree[2 * i], tree[2 * i + 1])
    return order, density


def peeled(left: Ints, right: Ints, weight: Floats) -> tuple[Ints, Floats]:
    """Order of removal and density before each removal, of a graph given by its edges (m); vertices from 0."""
    ends = np.concatenate([left, right])
    order = np.argsort(ends, kind="stable")
    offsets = np.r_[0, np.cumsum(np.bincount(ends))]
    found: tuple[Ints, Floats] = _peel(
        offsets, np.concatenate([right, left])[order], np.concatenate([weight, weight])[order]
    )
    return found


def densest(
    account: Ints, code: Ints, weight: Floats, accounts: int
) -> tuple[npt.NDArray[np.bool_], float, Floats]:
    """The edges of the densest set, its density, and for each account the best density of a set that held it."""
    names, at = np.unique(np.concatenate([account, code + accounts]), return_inverse=True)
    left, right = at[: len(account)], at[len(account) :]
    order, density = peeled(left, right, weight)
    best = int(np.argmax(density))
    kept = np.zeros(len(names), bool)
    kept[order[best:]] = True
    reached = np.zeros(accounts)
    mine = names[order] < accounts
    reached[names[order][mine]] = np.maximum.accumulate(density)[mine]
    return kept[left] & kept[right], float(density[best]), reached


def fraudar(
    log: Log, parts: Sequence[str] = ("skeleton", "opening", "minimisers"), sets: int = SETS
) -> Scored:
    """Density of the densest set that holds an account; links tie the accounts of one set."""
    row, code = objects(log, parts)
    account, code, size = shared(log.account[row], code)
    weight = 1 / np.log(size[code] + C)
    scores = np.zeros(log.accounts)
    links: list[Ints] = [np.zeros((0, 2), np.int64)]
    strength: list[Floats] = [np.zeros(0)]
    for number in range(sets):
        if not len(account):
            break
        inside, density, reached = densest(account, code, weight, log.accounts)
        within = np.bincount(account[inside], weight[inside], minlength=log.accounts)
        members = np.flatnonzero(within)
        if number == 0:
            scores = (1 - TIE) * reached
        # In a set: its density, less up to a thousandth for those who hang on it least.
        scores[members] = np.maximum(
            scores[members], density * (1 - TIE + TIE * within[members] / within.max())
        )
        links.append(np.stack([np.full(len(members), members[0]), members], axis=1))
        strength.append(np.full(len(members), density))
        account, code, weight = account[~inside], code[~inside], weight[~inside]
    return Scored(scores, np.concatenate(links), np.concatenate(strength))
