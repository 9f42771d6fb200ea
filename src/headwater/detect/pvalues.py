"""P-values as evidence, and the tests that several kinds of evidence share."""

from __future__ import annotations

import math

from scipy.special import bdtrc


def calibrated(p_value: float) -> float:
    """A p-value as evidence in nats that errs for the accused: ln(½ p^(−½)), an e-value (Vovk and Wang 2021)."""
    return -0.5 * math.log(max(p_value, 1e-300)) - math.log(2)


def as_many(hits: int, trials: int, expected: float) -> float:
    """P(at least `hits` of independent `trials`) where their chances sum to `expected`.

    Where hits lie above what is expected the binomial law of the mean chance is an upper bound (Hoeffding 1956); below
    it there is nothing to be surprised at, and the answer is 1.
    """
    if not trials or hits <= expected:
        return 1.0
    return max(float(bdtrc(hits - 1, trials, min(expected / trials, 1.0))), 1e-300)
