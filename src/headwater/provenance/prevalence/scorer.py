"""How much like a chat model's a text reads: a linear score over which runs of four characters it has.

A score isn't a verdict, nor a probability: it is the coordinate in which whole corpora are compared. Letters that a
corpus' subject chooses are in it too, which is why the domain is a random effect in `mixture`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

#: Buckets of the hashed runs.
BUCKETS = 1 << 16
_MULTIPLIERS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F], np.uint32)
_DIGITS = str.maketrans("123456789", "000000000")

Floats = npt.NDArray[np.float64]


def buckets(text: str) -> npt.NDArray[np.uint32]:
    """The bucket of each run of four characters of a text that `reading.read` has prepared; digits count as one."""
    raw = text.translate(_DIGITS).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(raw, np.uint32)
    hashed = np.zeros(max(0, len(codes) - 3), np.uint32)
    for place, multiplier in enumerate(_MULTIPLIERS):
        hashed += codes[place : place + len(hashed)] * multiplier
    hashed ^= hashed >> np.uint32(15)
    hashed *= np.uint32(0x2C1B3C6D)
    return hashed >> np.uint32(16)


def scores(
    texts: Iterable[str], weights: npt.NDArray[np.float32], known: npt.NDArray[np.bool_], bias: float
) -> Floats:
    """One score for each prepared text: weights of the `known` buckets that it has, over the root of their number."""
    return np.fromiter(_scores(texts, weights, known, bias), np.float64)


def _scores(
    texts: Iterable[str], weights: npt.NDArray[np.float32], known: npt.NDArray[np.bool_], bias: float
) -> Iterator[float]:
    present = np.zeros(BUCKETS, bool)
    for text in texts:
        found = buckets(text)
        present[found] = True
        here = np.flatnonzero(present & known)
        present[found] = False
        yield float(weights[here].sum(dtype=np.float64)) / max(1.0, float(np.sqrt(len(here)))) + bias
