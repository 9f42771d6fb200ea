"""What prompts look like in this log as a whole: the mean and covariance of content sketches, and base rates.

Likeness between prompts is judged after whitening with the log's own covariance, which does for imprints what
inverse document frequency does for words: directions in which everybody varies say little. Busy accounts are
thinned, so that a ring of heavy users can't define what is normal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, World
from headwater.exchange.model import SKETCH

#: Exchanges of one account that enter the covariance, in expectation.
A_ACCOUNT = 20
#: Ridge, as a share of the mean eigenvalue: directions far below it aren't blown up into noise.
RIDGE = 0.3
#: 2⁶⁴: keyed hashes divided by it are uniform in [0, 1).
UNIT = np.float64(2**64)
#: Rows that are multiplied at once.
BLOCK = 4096


@dataclass(frozen=True)
class Content:
    """The whitening of content sketches: `mean` (SKETCH,) and `matrix` (SKETCH × SKETCH), float32.

    A whitened sketch is (s − mean) @ matrix. `rows` is the number of exchanges it was learned from.
    """

    mean: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]
    covariance: npt.NDArray[np.float64]
    rows: int

    def whiten(self, sketches: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Sketches (n × SKETCH, int8) to unit-length whitened vectors (n × SKETCH, float32); zero stays zero."""
        out = np.empty((len(sketches), self.matrix.shape[1]), np.float32)
        for at, part in multiplied(sketches, self.matrix, self.mean):
            length = np.sqrt(np.einsum("ij,ij->i", part, part))
            length[length == 0] = 1
            np.divide(part, length[:, None], out=out[at])
        return out


def multiplied(
    sketches: npt.NDArray[np.int8],
    matrix: npt.NDArray[np.float32],
    less: npt.NDArray[np.float32] | None = None,
) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """Sketches (n × SKETCH), `less` (SKETCH) taken from each, times a matrix (SKETCH × k): a block of rows at a time.

    A block and its product stay in the processor's cache, and the next one comes to the same place in memory.
    """
    rows = min(BLOCK, len(sketches))
    given, product = np.empty((rows, SKETCH), np.float32), np.empty((rows, matrix.shape[1]), np.float32)
    for begin in range(0, len(sketches), BLOCK):
        at = slice(begin, min(begin + BLOCK, len(sketches)))
        rows = at.stop - begin
        given[:rows] = sketches[at]
        if less is not None:
            given[:rows] -= less
        yield at, np.matmul(given[:rows], matrix, out=product[:rows])


@dataclass
class _State:
    keep: npt.NDArray[np.float64]
    rows: int
    total: npt.NDArray[np.int64]
    outer: npt.NDArray[np.int64]


class Population:
    """A fold over the first half of all accounts' sessions that ends in `Content`."""

    columns = ("imprint",)

    def init(self, world: World) -> _State:
        """An empty state."""
        keep = np.minimum(1.0, A_ACCOUNT / np.maximum(world.half_volume[:, 0], 1))
        return _State(keep, 0, np.zeros(SKETCH, np.int64), np.zeros((SKETCH, SKETCH), np.int64))

    def update(self, state: _State, batch: Batch) -> _State:
        """Add rows; which rows of a busy account enter is decided by their content."""
        chance = batch.column("imprint.exact").astype(np.float64) / UNIT
        keep = np.flatnonzero((batch.half == 0) & (chance < state.keep[batch.account]))
        sketches = batch.column("imprint.sketch").take(keep, axis=0).astype(np.float32)
        state.rows += len(sketches)
        state.total += sketches.sum(axis=0, dtype=np.float64).astype(np.int64)
        # Entries are integers below 2^24 for batches of up to 1,000 rows: float32 products stay exact.
        for at in range(0, len(sketches), 1000):
            part = sketches[at : at + 1000]
            state.outer += (part.T @ part).astype(np.int64)
        return state

    def merge(self, left: _State, right: _State) -> _State:
        """Add two states."""
        return _State(left.keep, left.rows + right.rows, left.total + right.total, left.outer + right.outer)

    def finish(self, state: _State, world: World) -> Content:
        """Whitening by the inverse root of the ridged covariance."""
        rows = max(state.rows, 1)
        mean = state.total / rows
        covariance = state.outer / rows - np.outer(mean, mean)
        values, vectors = np.linalg.eigh(covariance)
        values = np.maximum(values, 0)
        scale = max(float(values.mean()), 1e-9)
        root = vectors * (1 / np.sqrt(values + RIDGE * scale))
        # No rotation back is needed for distances, but it keeps the axes stable between runs.
        matrix = root @ vectors.T
        return Content(mean.astype(np.float32), matrix.astype(np.float32), covariance, state.rows)
