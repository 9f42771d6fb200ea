"""From a ratio and its permutation null to nats: what one dispatcher shows against what chance shows.

A permutation null of B shifts cannot say more than log(B + 1) nats; `honest` holds every claim below −log p.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

#: Degrees of freedom of the null's law: heavier tails than the normal one.
NULL_FREEDOM = 5.0
#: No ratio is told apart from a smaller one below this level (edges of windows, clock noise).
FLOOR = 0.02


def null_density(ratio: float, mean: float, sd: float) -> float:
    """Density of R among independent accounts: Student's t with the mean and deviation of the shifts."""
    return float(_student(np.array([ratio]), mean, sd)[0])


def dispatcher_density(ratio: float, mean: float, sd: float) -> float:
    """Density of R under one dispatcher of whose accounts a share q, uniform on (0, 1], is in view.

    Then R = (1 − q)·X with X the ratio of independent accounts, so the density is ∫ᵣ f(x)/x dx.
    """
    low = max(ratio, FLOOR)
    x = np.linspace(low, max(mean, low) + 60 * sd, 4000)
    return float(np.trapezoid(_student(x, mean, sd) / x, x))


def _student(x: npt.NDArray[np.float64], mean: float, sd: float) -> npt.NDArray[np.float64]:
    scale = sd * math.sqrt((NULL_FREEDOM - 2) / NULL_FREEDOM)
    half = (NULL_FREEDOM + 1) / 2
    height = math.gamma(half) / (math.gamma(NULL_FREEDOM / 2) * math.sqrt(NULL_FREEDOM * math.pi) * scale)
    density: npt.NDArray[np.float64] = height * (1 + ((x - mean) / scale) ** 2 / NULL_FREEDOM) ** -half
    return density


def dispatcher_ratio(ratio: float, mean: float, sd: float) -> float:
    """log of `dispatcher_density` over `null_density`, in nats."""
    one, chance = dispatcher_density(ratio, mean, sd), null_density(ratio, mean, sd)
    return math.log(max(one, 1e-300)) - math.log(max(chance, 1e-300))


def mixed(llrs: npt.NDArray[np.float64], share: float) -> float:
    """log of `share` · mean(exp(llrs)) + (1 − share): views of a trace that not every ring leaves."""
    return float(np.log(share * np.mean(np.exp(np.minimum(llrs, 700.0))) + (1 - share)))


def honest(llr: float, p_value: float) -> float:
    """`llr`, but never more than −log p."""
    return min(llr, -math.log(p_value))


def from_p(p_value: float, share: float) -> float:
    """Nats that a p-value supports where the alternative is not spelled out.

    (1 − p + p·log p) / (p·log² p) is a calibrator: its mean under the null is 1 at most (V. Vovk, R. Wang:
    E-values: calibration, combination and applications. Annals of Statistics 49, 2021). `share` is the share
    of rings that leave the trace at all, which bounds the evidence against.
    """
    if p_value >= 1.0:
        return math.log(share * 0.5 + 1 - share)
    log_p = math.log(p_value)
    if log_p > -1e-3:  # the series around p = 1, where the quotient loses its digits
        return math.log(share * (0.5 - log_p / 6) + 1 - share)
    return math.log(share * (1 - p_value + p_value * log_p) / (p_value * log_p**2) + 1 - share)
