"""Members of a ring who ask for alike things, in small sets: a dispatcher may deal each topic to accounts of its own.

A ring that shards its harvest by topic is not one queue but one queue a shard: labels are exchangeable among the
accounts of a shard only. The sets come from the proposing half; what is tested within them is the confirming half.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import linkage

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Accounts of one set at most: the laws of the test are those of groups of ten and twenty.
LARGEST = 12
#: Exchanges from which an account's mean is worth placing, and members from which there is something to divide.
LEAST, WORTH = 2, 2 * LARGEST
#: Directions in which members differ most; in the others their means differ by noise.
DIRECTIONS = 16
#: Members that are compared each with each; of more, a fixed random part is.
MOST = 3_000


def strata(total: Floats, count: Ints, seed: int) -> Ints:
    """The set of each of m members (−1: in none), from sums (m × d) and counts (m) of their content vectors.

    Ward's hierarchy of the members' means, cut where a branch holds LARGEST at most (J. Ward, JASA 58, 1963).
    """
    out = np.full(len(count), -1, np.int64)
    able = np.flatnonzero(count >= LEAST)
    if len(able) > MOST:
        able = np.sort(np.random.default_rng(seed).permutation(able)[:MOST])
    if len(able) < WORTH:
        out[able] = 0
        return out
    means = total[able] / count[able, None]
    means = means - means.mean(axis=0)
    _, _, directions = np.linalg.svd(means, full_matrices=False)
    tree = linkage(means @ directions[:DIRECTIONS].T, "ward")
    out[able] = _cut(tree, len(able))
    return out


def _cut(tree: Floats, leaves: int) -> Ints:
    """A label for each leaf: the largest branches of at most LARGEST leaves."""
    left, right = tree[:, 0].astype(np.int64), tree[:, 1].astype(np.int64)
    size = np.concatenate([np.ones(leaves, np.int64), tree[:, 3].astype(np.int64)])
    label = np.full(leaves, -1, np.int64)
    # A branch and the label that it has from above (−1: it is still too large).
    waiting, count = [(2 * leaves - 2, -1)], 0
    while waiting:
        node, mine = waiting.pop()
        if mine < 0 and size[node] <= LARGEST:
            mine, count = count, count + 1
        if node < leaves:
            label[node] = mine
        else:
            waiting += [(int(left[node - leaves]), mine), (int(right[node - leaves]), mine)]
    return label
