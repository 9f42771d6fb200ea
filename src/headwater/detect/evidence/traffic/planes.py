"""Random directions through whitened content, in whole numbers: where a prompt lies, the same for any split of the log.

A direction is rounded so that its product with a sketch is a whole number that float32 holds. So neither the order of
rows nor the number of threads can move a prompt across a boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.population import Content, multiplied
from headwater.exchange.model import SKETCH

#: Greatest entry of a direction: 127 × 128 × 1,000 is below 2²⁴.
GREATEST = 1000.0


@dataclass(frozen=True)
class Planes:
    """Directions `matrix` (SKETCH × k, whole numbers), where the mean lies along them (k), and their `unit`.

    A whitened sketch's component along a direction is (sketch @ matrix − middle) / unit.
    """

    matrix: npt.NDArray[np.float32]
    middle: npt.NDArray[np.float32]
    unit: float

    @classmethod
    def through(cls, content: Content, count: int, seed: int) -> Planes:
        """`count` independent normal directions; the same for one log and seed."""
        rng = np.random.default_rng([seed, count])
        drawn = content.matrix.astype(np.float64) @ rng.normal(size=(SKETCH, count))
        unit = GREATEST / max(float(np.abs(drawn).max()), 1e-12)
        matrix = np.rint(drawn * unit)
        middle = np.rint(content.mean.astype(np.float64) @ matrix)
        return cls(matrix.astype(np.float32), middle.astype(np.float32), unit)

    def along(self, sketches: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Where sketches (n × SKETCH) lie along the directions, in units (n × k, whole numbers)."""
        out = np.empty((len(sketches), len(self.middle)), np.float32)
        for at, part in multiplied(sketches, self.matrix):
            np.subtract(part, self.middle, out=out[at])
        return out

    def sides(self, sketches: npt.NDArray[np.int8]) -> npt.NDArray[np.uint64]:
        """On which side of each of up to 64 planes sketches lie: one bit a plane (n, uint64)."""
        out = np.empty(len(sketches), np.uint64)
        for at, part in multiplied(sketches, self.matrix):
            _beyond(part, self.middle, out[at])
        return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _beyond(
    along: npt.NDArray[np.float32], middle: npt.NDArray[np.float32], out: npt.NDArray[np.uint64]
) -> None:
    """For each row a bit for each column that is above its middle."""
    for i in range(along.shape[0]):
        bits = np.uint64(0)
        for j in range(along.shape[1]):
            bits |= np.uint64(along[i, j] > middle[j]) << np.uint64(j)
        out[i] = bits
