"""SEAT: an account that asks nearly the same thing over and over is probing.

Zhang, Chen and Wen, "SEAT: Similarity Encoder by Adversarial Training for Detecting Model Extraction Attack Queries"
(AISec 2021). A query is similar to an earlier one of the same account when their encodings are nearer than a
threshold; an account with too many similar pairs is closed.
Adapted to text: the encoder is the whitened content sketch (an encoder trained adversarially on images has no
counterpart here); the threshold is the distance below which `SIMILAR` of the pairs of unrelated accounts lie, set
on the log itself; texts that are equal to the letter count once, since a retry is no probe.
"""

from __future__ import annotations

import numpy as np

from baselines.log import Log, Scored

#: Share of random pairs of different accounts that pass for similar, and how many pairs are drawn to find it.
SIMILAR, DRAWS = 1e-3, 400_000
#: Different texts of one account that are looked at, and rows that are compared with all at once.
MOST, BLOCK = 20_000, 2_000


def likeness(log: Log, similar: float = SIMILAR, seed: int = 0) -> float:
    """The cosine that `similar` of the random pairs of different accounts with different texts exceed."""
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, len(log.account), (2, DRAWS))
    apart = (log.account[left] != log.account[right]) & (log.exact[left] != log.exact[right])
    left, right = left[apart], right[apart]
    cosine = np.concatenate(
        [
            np.einsum("ij,ij->i", log.content[left[at : at + BLOCK]], log.content[right[at : at + BLOCK]])
            for at in range(0, len(left), BLOCK)
        ]
        or [np.ones(1, np.float32)]
    )
    return float(np.quantile(cosine, 1 - similar))


def seat(log: Log) -> Scored:
    """Pairs of different texts of an account that are more alike than random pairs are."""
    bar = likeness(log)
    scores = np.zeros(log.accounts)
    for account in np.flatnonzero(log.volume > 1).tolist():
        rows = log.rows_of(account)
        rows = rows[np.unique(log.exact[rows], return_index=True)[1]][:MOST]
        mine = log.content[rows]
        pairs = sum(int((mine[at : at + BLOCK] @ mine.T > bar).sum()) for at in range(0, len(mine), BLOCK))
        itself = int((np.einsum("ij,ij->i", mine, mine) > bar).sum())
        scores[account] = (pairs - itself) / 2
    return Scored.alone(scores)
