"""Fingerprints of units: 64 bits of context and token, by which a detector knows the units that it was learned from.

They aren't secret: whoever has them can check whether a text's units are among them.
"""

from __future__ import annotations

import base64
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import Units

Fingerprints = NDArray[np.uint64]
#: Distinct units that one detector may be learned from: 32 MB of fingerprints.
MOST: Final = 4_000_000

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_KIND = np.dtype("<u8")


def fingerprints(units: Units) -> Fingerprints:
    """One number a unit (n,): equal for equal contexts and tokens; others meet once in 2^64 pairs."""
    words = np.column_stack([units.context, units.token]).astype(np.uint64)
    state = np.full(len(words), words.shape[1], np.uint64)
    for column in words.T:
        state = _mixed(state ^ _mixed(column + _GOLDEN))
    return state


def packed(found: Fingerprints) -> str:
    """As text, for a file."""
    return base64.b64encode(found.astype(_KIND).tobytes()).decode("ascii")


def unpacked(text: str) -> Fingerprints:
    """What `packed` wrote; ValueError for anything else."""
    content = base64.b64decode(text, validate=True)
    if len(content) % _KIND.itemsize or len(content) > MOST * _KIND.itemsize:
        raise ValueError("no fingerprints")
    found = np.frombuffer(content, _KIND).astype(np.uint64)
    if (found[1:] <= found[:-1]).any():
        raise ValueError("fingerprints are in ascending order")
    return found


def none() -> Fingerprints:
    """Of no units."""
    return np.zeros(0, np.uint64)


def _mixed(state: Fingerprints) -> Fingerprints:
    """SplitMix64's step and finaliser (Steele and others, 2014): every bit of the input moves every bit."""
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Fingerprints = state ^ (state >> np.uint64(31))
    return found
