"""A keyed random function on sentences: g(e) = w·φ(e), smooth enough to bear a paraphrase.

φ is public and fixed: random Fourier features (Rahimi and Recht, 2007), so that sentences of one meaning have nearly
one value and other sentences values of their own. The key is the vector w of standard normals.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines.philox import philox
from headwater.siphash import siphash

Features = NDArray[np.float64]
#: Pairs of cosine and sine: φ has twice as many entries.
PAIRS: Final = 1024
#: What a stream is used for: the public directions, a key's vector.
_DIRECTIONS, _KEY = 3, 4
_PUBLIC: Final = (0x4865616477617465, 0x722073656E74656E)


def features(points: NDArray[np.float64]) -> Features:
    """φ of points (n, size): (n, 2048), each of length 1.

    All frequencies have the same length, √size, so the inner product of two points falls from 1 to a little below 0
    as they part, and what is far apart is unrelated (a Bessel kernel). Sentences on one topic thus hardly hang
    together, which a Gaussian kernel's long tail would have them do.
    """
    angles = points @ _directions(points.shape[1])
    found: Features = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.sqrt(PAIRS)
    return found


def key_vector(key: Sequence[int], label: str) -> NDArray[np.float64]:
    """w (2048,): the standard normals of a key of two words of 64 bits; `label` says what it is for."""
    seed = siphash(key[0], key[1], label.encode(), 2, 4)
    return normals(2 * PAIRS, (seed & 0xFFFFFFFF, seed >> 32), _KEY)


def normals(count: int, seed: tuple[int, int], use: int) -> NDArray[np.float64]:
    """The first `count` standard normals of a stream: quantiles of (64-bit words + 1/2) / 2^64.

    Word i of 64 bits is made of words 2i and 2i+1 of Philox4x32-10 with the counters (0, use, 0, 0), (1, use, 0, 0), …
    under `seed`, the first of the two being its upper half. None is beyond 9.1, and each is as exact as float64.
    """
    from scipy.special import ndtri

    blocks = np.arange(-(-count // 2), dtype=np.uint64)
    words = philox((blocks, use, 0, 0), seed)
    upper = np.stack([words[0], words[2]], axis=1).ravel()[:count]
    lower = np.stack([words[1], words[3]], axis=1).ravel()[:count]
    # The lower half of (0, 1) alone, so that both tails are as fine.
    negative = upper < 1 << 31
    folded = np.where(negative, upper, (1 << 32) - 1 - upper)
    rest = np.where(negative, lower, (1 << 32) - 1 - lower)
    chance = (folded.astype(np.float64) + (rest.astype(np.float64) + 0.5) / 2**32) / 2**32
    found: NDArray[np.float64] = np.where(negative, 1.0, -1.0) * ndtri(chance)
    return found


@cache
def _directions(size: int) -> NDArray[np.float64]:
    """The public frequencies (size, 1024): standard normals, each brought to the length √size."""
    seed = siphash(*_PUBLIC, size.to_bytes(4, "little"), 2, 4)
    drawn = normals(size * PAIRS, (seed & 0xFFFFFFFF, seed >> 32), _DIRECTIONS).reshape(size, PAIRS)
    found: NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=0) * np.sqrt(size)
    return found
