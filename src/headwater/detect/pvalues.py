"""P-values as evidence, and the tests that several kinds of evidence share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, gammaln


def calibrated(p_value: float) -> float:
    """A p-value as evidence in nats that errs for the accused: ln(½ p^(−½)), an e-value (Vovk and Wang 2021)."""
    return -0.5 * math.log(max(p_value, 1e-300)) - math.log(2)


def drawn(hits: int, parts: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """P(at least `hits`) and what is expected, where `parts` are drawn without replacement.

    A part is (taken, marked, all): so many drawn from a stratum of `all`, of which `marked` are hits. The exact test
    of Fisher (1935) over strata: chances elsewhere are estimated from few as well, and this counts that in.
    """
    law, first, expected = np.ones(1), 0, 0.0
    for taken, marked, every in parts:
        least, most = max(0, taken + marked - every), min(taken, marked)
        hit = np.arange(least, most + 1)
        logs = _choose(marked, hit) + _choose(every - marked, taken - hit) - _choose(every, taken)
        law = np.convolve(law, np.exp(logs))
        first += least
        expected += taken * marked / every
    tail = float(law[max(hits - first, 0) :].sum())
    return min(max(tail, 1e-300), 1.0), expected


def _choose(n: int, k: npt.NDArray[np.int64] | int) -> npt.NDArray[np.float64]:
    """Logarithm of binomial coefficients."""
    return np.asarray(gammaln(n + 1.0) - gammaln(np.add(k, 1.0)) - gammaln(n - np.add(k, -1.0)))


def as_many(hits: int, trials: int, expected: float) -> float:
    """P(at least `hits` of independent `trials`) where their chances are known and sum to `expected`.

    Where hits lie above what is expected the binomial law of the mean chance is an upper bound (Hoeffding 1956); below
    it there is nothing to be surprised at, and the answer is 1.
    """
    if not trials or hits <= expected:
        return 1.0
    return max(float(bdtrc(hits - 1, trials, min(expected / trials, 1.0))), 1e-300)
