"""Unbiased MMD² with four RBF kernels around the median distance, in random Fourier features.

Gretton et al., "A Kernel Two-Sample Test" (2012); kernels exp(−d² / 2σ²) with σ = ½, 1, 2, 4 times the median
distance, averaged, as in the code of arXiv 2606.05725; features: Rahimi and Recht (2007). The paper's score is a mean
of MMD² over references; for references of one size that equals MMD² against their pooled mean, up to a constant that is
the same for every window. So windows are scored by what varies, and benign windows by the same formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from baselines.log import Floats, Vectors

#: Multiples of the median distance; frequencies for each.
SCALES, FREQUENCIES = (0.5, 1.0, 2.0, 4.0), 512
#: Reference prompts whose distances give the median.
SAMPLE = 2_000


@dataclass(frozen=True)
class Kernel:
    """Frequencies (dimensions × 4·FREQUENCIES) of the averaged kernel."""

    frequencies: Vectors

    @classmethod
    def around(cls, reference: Vectors, seed: int) -> Kernel:
        """Bandwidths around the median distance between reference vectors (n × dimensions)."""
        rng = np.random.default_rng(seed)
        sample = reference[rng.permutation(len(reference))[:SAMPLE]].astype(np.float64)
        length = np.einsum("ij,ij->i", sample, sample)
        squares = length[:, None] + length[None, :] - 2 * sample @ sample.T
        median = np.sqrt(np.median(squares[np.triu_indices(len(sample), 1)]))
        drawn = [
            rng.normal(size=(reference.shape[1], FREQUENCIES)) / (scale * max(median, 1e-9))
            for scale in SCALES
        ]
        return cls(np.concatenate(drawn, axis=1).astype(np.float32))

    def features(self, vectors: Vectors) -> Vectors:
        """Random Fourier features (n × 8·FREQUENCIES) of length one; their product approximates the mean kernel."""
        phase = vectors @ self.frequencies
        out = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
        out /= np.sqrt(self.frequencies.shape[1])
        return np.asarray(out, np.float32)


def scores(sums: Vectors, size: int, reference: Vectors) -> Floats:
    """Unbiased MMD² of windows against a reference, less the reference's own term.

    `sums` (windows × features) adds up the features of each window of `size` prompts, `reference` (features) is the
    mean of the reference's. Features have length one, so a window's own pairs with itself add up to `size`.
    """
    wide = sums.astype(np.float64)
    within = (np.einsum("ij,ij->i", wide, wide) - size) / (size * (size - 1))
    return np.asarray(within - 2 * (wide @ reference.astype(np.float64)) / size)
