"""Holm's step-down test (1979) over logarithms of p-values: the chance that any innocent key is named stays below the
level, however many keys there are and however their values hang together.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def adjusted(log_p: NDArray[np.float64], tests: int) -> NDArray[np.float64]:
    """ln of Holm's adjusted p-values, in the order given.

    `log_p`: (k,) those of the k smallest of `tests` p-values; the others may be left out, they change nothing here.
    """
    order = np.argsort(log_p, kind="stable")
    left = np.array([math.log(max(1, tests - rank)) for rank in range(len(log_p))])
    stepped = np.minimum(0.0, np.maximum.accumulate(log_p[order] + left)) if len(log_p) else left
    found = np.empty(len(log_p))
    found[order] = stepped
    return found
