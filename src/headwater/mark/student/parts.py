"""What part of a student's text each account has, from how far the student leans to each account's key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def parts(lean: Floats, error: Floats, weight: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Share, low and high of each account (n,), about 95%, from its lean and that lean's standard error.

    Where all are read on the same texts, leans are as the shares. Read each on its own text (`weight`: how much of that
    there was), a lean may be as the share, where contexts come again in others' text and are learned together; or be
    alike for all, where each text is learned for itself, and then lean times weight is as the share. What is told goes
    from the one to the other, the share in their middle.
    """
    readings = [_parts(lean, error)]
    if weight is not None:
        readings.append(_parts(lean * weight, error * weight))
    share = np.mean([part for part, _ in readings], axis=0)
    low = np.min([part - spread for part, spread in readings], axis=0)
    high = np.max([part + spread for part, spread in readings], axis=0)
    return share, low, high


def _parts(lean: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Parts of the whole and half their intervals, by the delta method: each part's own error, and the whole's."""
    whole = max(float(lean.sum()), 1e-300)
    part = lean / whole
    variance = ((1 - part) ** 2 * error**2 + part**2 * (np.square(error).sum() - error**2)) / whole**2
    return part, 1.96 * np.sqrt(variance)
