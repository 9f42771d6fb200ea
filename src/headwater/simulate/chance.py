"""Seeded chance: one named, independent random stream for every purpose.

A stream depends on the seed and its labels only, so adding a draw in one place changes nothing elsewhere.
What is drawn is decided by the callers.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def stream(seed: int, *labels: str | int) -> np.random.Generator:
    """Random stream named by `labels` (PCG64 over a SeedSequence, hence the same on every machine)."""
    words = [label if isinstance(label, int) else zlib.crc32(label.encode()) for label in labels]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def ragged(starts: Ints, counts: Ints) -> Ints:
    """Indices `starts[i], starts[i] + 1, …` (`counts[i]` of them) of all rows, one after another."""
    total = int(counts.sum())
    if total == 0:
        return np.zeros(0, dtype=np.int64)
    ends = np.cumsum(counts)
    return np.asarray(np.arange(total, dtype=np.int64) - np.repeat(ends - counts - starts, counts))


def pick(rng: np.random.Generator, offsets: Ints, rows: Ints) -> Ints:
    """One uniform index into each of `rows` of a ragged table (`offsets` has one more entry than rows)."""
    sizes = offsets[rows + 1] - offsets[rows]
    place = np.minimum((rng.random(len(rows)) * sizes).astype(np.int64), sizes - 1)
    return np.asarray(offsets[rows] + place)


def shares(total: int, weights: Any) -> Ints:
    """`total` split into whole numbers in proportion to `weights` (largest remainders first)."""
    w = np.asarray(weights, dtype=np.float64)
    exact = total * w / w.sum()
    out = np.floor(exact).astype(np.int64)
    rest = np.argsort(out - exact, kind="stable")[: total - int(out.sum())]
    out[rest] += 1
    return np.asarray(out)


def running_count(keys: Ints) -> Ints:
    """How often each key came before in the array: 0 for its first place, 1 for its second, …"""
    order: Ints = np.argsort(keys, kind="stable")
    ordered = keys[order]
    fresh = np.r_[True, ordered[1:] != ordered[:-1]] if len(keys) else np.zeros(0, dtype=bool)
    firsts = np.flatnonzero(fresh)
    counts = np.arange(len(keys)) - np.repeat(firsts, np.diff(np.r_[firsts, len(keys)]))
    out = np.empty(len(keys), dtype=np.int64)
    out[order] = counts
    return out
