"""Classes of units: what is known of a token without the key decides which table scores it.

A rare token, or one where the model had much choice, says more of the key than a comma. Anything may be used that
doesn't depend on the key; then the p-value stays exact, however bad the guess. A model that was trained on what was
served with the key does depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError


@dataclass(frozen=True)
class Grid:
    """Cells of a grid over features: `cuts` holds, for each feature, the ascending bounds between its steps."""

    cuts: tuple[tuple[float, ...], ...]

    @property
    def count(self) -> int:
        """How many cells there are."""
        return int(np.prod([len(each) + 1 for each in self.cuts], dtype=np.int64))

    def classes(self, features: NDArray[np.float64]) -> NDArray[np.intp]:
        """The cell of each row of `features` (n, features)."""
        if features.ndim != 2 or features.shape[1] != len(self.cuts):
            raise UsageError(f"these classes are made of {len(self.cuts)} features a unit")
        found = np.zeros(len(features), np.intp)
        for column, cuts in zip(features.T, self.cuts, strict=True):
            found = found * (len(cuts) + 1) + np.searchsorted(cuts, column, side="right")
        return found


def grid(features: NDArray[np.float64], steps: Sequence[int]) -> Grid:
    """Cells with about as many of the rows of `features` in each step of each feature; `steps` one a feature."""
    cuts = []
    for column, count in zip(features.T, steps, strict=True):
        inside = np.quantile(column, np.arange(1, count) / count)
        cuts.append(tuple(float(each) for each in np.unique(inside)))
    return Grid(tuple(cuts))
