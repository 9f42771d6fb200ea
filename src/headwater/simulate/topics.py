"""What a text is about, roughly: hashed character n-grams, and clusters of them.

Clusters give every account its few topics. The features serve any script and need no model. How narrow an
account is, is decided by `people`; whether that is like real people is measured in `benchmarks/simulate`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.chance import stream

#: Characters of a text that are looked at; enough to tell topics apart, and it bounds the work.
READ = 600
_MULTIPLIERS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)
_BLOCK = 2000
#: Length of a vector in whole numbers.
_WHOLE = np.float32(1000)


def ngram_counts(
    texts: Sequence[str], dims: int, sizes: tuple[int, ...] = (2, 3, 4), read: int = READ
) -> NDArray[np.float32]:
    """Counts of hashed, lower-cased character n-grams: one row per text, `dims` columns."""
    out = np.zeros((len(texts), dims), dtype=np.float32)
    for low in range(0, len(texts), _BLOCK):
        block = [f"\x02{text[:read].lower()}\x03" for text in texts[low : low + _BLOCK]]
        points = np.frombuffer("".join(block).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        row = np.repeat(np.arange(len(block)), [len(text) for text in block])
        cells = []
        for size in sizes:
            if len(points) < size:
                continue
            ends = len(points) - size + 1
            code = np.zeros(ends, dtype=np.uint64)
            for step in range(size):
                code = (code ^ points[step : step + ends]) * np.uint64(_MULTIPLIERS[step])
                code ^= code >> np.uint64(29)
            whole = row[:ends] == row[size - 1 :]
            cells.append((row[:ends] * dims + (code % np.uint64(dims)).astype(np.int64))[whole])
        found = np.concatenate(cells) if cells else np.zeros(0, dtype=np.int64)
        out[low : low + len(block)] = np.bincount(found, minlength=len(block) * dims).reshape(-1, dims)
    return out


def weigh(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Counts → unit vectors: square roots, weighted by inverse document frequency, mean removed."""
    seen = (counts > 0).sum(axis=0)
    idf = np.log((1.0 + len(counts)) / (1.0 + seen)).astype(np.float32)
    out = np.sqrt(counts) * idf
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    out -= out.mean(axis=0)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return np.asarray(out, dtype=np.float32)


def clusters(texts: Sequence[str], k: int, *, dims: int = 256, rounds: int = 8) -> NDArray[np.int64]:
    """Spherical k-means over n-gram features: the cluster of each text, renumbered without gaps.

    Deterministic: the first centres are spread over the texts by a fixed stream, ties go to the lower number.
    """
    if k <= 1 or len(texts) <= k:
        return np.zeros(len(texts), dtype=np.int64)
    # Whole numbers below 2²⁴ in all: products and sums are exact, hence the same on every machine.
    points = np.rint(weigh(ngram_counts(texts, dims)) * _WHOLE)
    centres = points[stream(0, "centres", len(texts)).choice(len(texts), size=k, replace=False)]
    for _ in range(rounds):
        nearest = np.argmax(points @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, points)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(norms > 0, np.rint(sums / np.maximum(norms, 1e-9) * _WHOLE), centres)
    return np.unique(nearest, return_inverse=True)[1].astype(np.int64)
