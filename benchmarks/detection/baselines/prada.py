"""PRADA: an account whose queries lie too regularly apart isn't asking for itself.

Juuti, Szyller, Marchal and Asokan, "PRADA: Protecting against DNN Model Stealing Attacks" (EuroS&P 2019). For each
client the distance of every new query to the nearest of a growing set of earlier ones; natural queries give distances
that are nearly normal, synthetic ones don't: Shapiro and Wilk's W below a threshold is the alarm.
Adapted to text: distances are between whitened content sketches of unit length, not images; there is no predicted
class, so there is one growing set; the paper waits for 100 distances, here `FEWEST` do, since a slow account never has
100; W of few distances scatters more, so the score is the test's evidence −log₁₀ p, which is on one scale for all
volumes (the paper's 1 − W is `statistic="w"`).
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from scipy import stats

from baselines.log import Floats, Log, Scored, Vectors

#: Distances that a verdict needs, and queries of one account that are looked at.
FEWEST, MOST = 10, 2_000


def distances(content: Vectors) -> Floats:
    """Distance of each query but the first to the nearest in the growing set (queries × 128 → queries − 1).

    A query joins the set when it is farther than mean − deviation of the distances of those that joined before.
    """
    gram = content @ content.T
    apart = np.sqrt(np.maximum(2 - 2 * gram, 0)).astype(np.float64)
    nearest = apart[0].copy()
    out = np.empty(len(content) - 1)
    count, total, square, threshold = 0, 0.0, 0.0, 0.0
    for i in range(1, len(content)):
        d = out[i - 1] = nearest[i]
        if d > threshold or not count:
            np.minimum(nearest, apart[i], out=nearest)
            count, total, square = count + 1, total + d, square + d * d
            mean = total / count
            threshold = max(threshold, mean - np.sqrt(max(square / count - mean * mean, 0.0)))
    return out


def normality(found: Floats) -> tuple[float, float]:
    """Shapiro and Wilk's W and p of the distances within three deviations of their mean; (1, 1) if they don't vary."""
    middle, spread = float(found.mean()), float(found.std())
    kept = found[np.abs(found - middle) <= 3 * spread]
    if len(kept) < 3 or np.ptp(kept) < 1e-6:
        return 1.0, 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w, p = stats.shapiro(kept)
    return float(w), float(p)


def prada(log: Log, statistic: Literal["p", "w"] = "p") -> Scored:
    """−log₁₀ p (or 1 − W) of each account's distances; 0 for accounts with too few queries."""
    scores = np.zeros(log.accounts)
    for account in np.flatnonzero(log.volume > FEWEST).tolist():
        w, p = normality(distances(log.content[log.rows_of(account, MOST)]))
        scores[account] = 1 - w if statistic == "w" else -np.log10(max(p, 1e-300))
    return Scored.alone(scores)
