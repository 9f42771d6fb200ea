"""A near-duplicate join: with how many other accounts does an account share the wording of a prompt?

Broder, "On the resemblance and containment of documents" (1997), as used to clean training data: Lee et al.,
"Deduplicating Training Data Makes Language Models Better" (2022), MinHash candidates, then connected components.
Adapted: an imprint keeps the eight smallest shingle hashes (a bottom-k sketch), so candidates share one of them, and
resemblance is estimated from the eight smallest of both; a bucket is compared with its first text and with the text
before, not all with all; what counts is accounts, not texts.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from baselines.log import Hashes, Ints, Log, Scored, objects, shared

#: Estimated resemblance of near-duplicates, of shingles of three words; Lee et al. take 0.8 for whole documents.
ALIKE = 0.5
#: Pairs of texts that are compared at once.
BLOCK = 200_000
K = 8


def resemblance(left: Hashes, right: Hashes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Estimated Jaccard resemblance of pairs of bottom-8 sketches (m × 8 each): shared ones among the least of both."""
    both = np.sort(np.concatenate([left, right], axis=1), axis=1)
    absent = np.uint64(2**64 - 1)
    twice = (both[:, 1:] == both[:, :-1]) & (both[:, 1:] != absent)
    # Rank of each value among the distinct ones; only the first eight of the union speak.
    new = np.concatenate([np.ones((len(both), 1), bool), both[:, 1:] != both[:, :-1]], axis=1)
    new &= both != absent
    rank = np.cumsum(new, axis=1)
    hits = (twice & (rank[:, 1:] <= K)).sum(axis=1)
    return np.asarray(hits / np.clip(rank[:, -1], 1, K))


def families(log: Log, alike: float = ALIKE) -> Ints:
    """A number for each exchange (n): exchanges of one number are near-duplicates, directly or through others."""
    distinct, first, text = np.unique(log.exact, return_index=True, return_inverse=True)
    row, code = objects(log, ["minimisers"])
    keep = first[text[row]] == row  # one row a text
    row, code = row[keep], code[keep]
    order = np.lexsort((row, code))
    row, code = row[order], code[order]
    head = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    leader = np.repeat(row[head], np.diff(np.r_[head, len(row)]))
    inner = np.ones(len(row), bool)
    inner[head] = False
    before = np.r_[row[:1], row[:-1]]
    pairs = np.concatenate([np.stack([row[inner], other[inner]], 1) for other in (leader, before)])
    close = [
        part[resemblance(log.minimisers[part[:, 0]], log.minimisers[part[:, 1]]) >= alike]
        for part in (pairs[at : at + BLOCK] for at in range(0, len(pairs), BLOCK))
    ]
    edges = text[np.concatenate([*close, np.zeros((0, 2), np.int64)])]
    size = len(distinct)
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), (size, size))
    return np.asarray(connected_components(graph, directed=False)[1][text], np.int64)


def near_duplicates(log: Log) -> Scored:
    """With how many other accounts an account shares its most shared family of near-duplicates.

    Ties are broken by the share of its exchanges that stand in shared families. Groups are the accounts of a family.
    """
    family = families(log)
    account, code, size = shared(log.account, family)
    others = size[code].astype(np.float64) - 1
    scores = np.zeros(log.accounts)
    np.maximum.at(scores, account, others)
    everyone = np.unique(family * log.accounts + log.account) // log.accounts
    common = np.bincount(everyone, minlength=int(family.max(initial=0)) + 1) > 1
    part = np.bincount(log.account, common[family], minlength=log.accounts) / np.maximum(log.volume, 1)
    first = np.full(len(size), log.accounts, np.int64)
    np.minimum.at(first, code, account)
    return Scored(scores + 0.5 * part, np.stack([first[code], account], axis=1), others + 0.5)
