"""Members whose prompts are not of their ring's queue: bystanders that use the same templates for other things.

The distance is the unbiased MMD² between an account and all other members; what is far is judged against the members
themselves (median and median absolute deviation), so that a ring's own unevenness isn't held against them. Looked at on
the proposing half before rings are tested, and once more on the confirming half before members are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.fold import PROPOSE, Batch, World
from headwater.detect.moments import COVER
from headwater.detect.population import Content
from headwater.detect.strata import strata
from headwater.exchange import SKETCH

#: A member stands apart from this many robust deviations on, if it has exchanges enough to tell.
FAR, LEAST, LEAST_MEMBERS = 5.0, 4, 8
#: Whitened unit vectors are summed as integers of this scale, so that no order of rows can change a sum.
SCALE = 4096


@dataclass
class _Sums:
    """Sums of whitened vectors by member: of all rows, and of attributed rows (members × SKETCH each)."""

    place: npt.NDArray[np.int32]
    content: Content
    count: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    square: npt.NDArray[np.int64]


class Apart:
    """A fold over one half of the members' rows that names those who stand apart, by ring."""

    columns = ("imprint",)

    def __init__(self, half: int) -> None:
        self.half = half

    def init(self, world: World) -> _Sums:
        """Empty sums for every member of a ring."""
        members = np.flatnonzero(world.context["ring_of"] >= 0)
        place = np.full(world.size, -1, np.int32)
        place[members] = np.arange(len(members))
        size = len(members)
        return _Sums(
            place,
            world.context["content"],
            np.zeros((2, size), np.int64),
            np.zeros((2, size, SKETCH), np.int64),
            np.zeros((2, size), np.int64),
        )

    def update(self, state: _Sums, batch: Batch) -> _Sums:
        """Add members' rows of this half."""
        batch = batch.where((batch.half == self.half) & (batch.ring >= 0))
        if len(batch):
            vectors = state.content.whiten(batch.column("imprint.sketch"))
            where = state.place[batch.account]
            _add(vectors, where, batch.attributed, state.count, state.total, state.square)
        return state

    def merge(self, left: _Sums, right: _Sums) -> _Sums:
        """Add the right state to the left one: with many members there is no room for a third."""
        left.count += right.count
        left.total += right.total
        left.square += right.square
        return left

    def finish(self, state: _Sums, world: World) -> Mapping[int, npt.NDArray[np.int32]]:
        """Account codes that stand apart from each ring; the proposing half also leaves the members' strata behind."""
        out = {}
        stratum = np.full(world.size, -1, np.int64)
        for at, ring in enumerate(world.rings):
            rows = state.place[ring.members]
            kind = int(state.count[1][rows].sum() > COVER * state.count[0][rows].sum())
            far = outliers(
                state.total[kind][rows] / SCALE, state.square[kind][rows] / SCALE**2, state.count[kind][rows]
            )
            out[at] = ring.members[far]
            if self.half == PROPOSE:
                of = strata(state.total[kind][rows] / SCALE, state.count[kind][rows], world.seed)
                stratum[ring.members] = np.where(of < 0, -1, of + stratum.max() + 1)
        if self.half == PROPOSE:
            world.context["strata"] = stratum
        return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _add(
    vectors: npt.NDArray[np.float32],
    where: npt.NDArray[np.int32],
    attributed: npt.NDArray[np.bool_],
    count: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    square: npt.NDArray[np.int64],
) -> None:
    """Add rows to the sums of their members, and attributed ones to the second half of these, too."""
    for i in range(len(where)):
        member = where[i]
        for kind in range(1 + attributed[i]):
            length = np.int64(0)
            for j in range(vectors.shape[1]):
                value = np.int64(np.rint(vectors[i, j] * np.float32(SCALE)))
                length += value * value
                total[kind, member, j] += value
            count[kind, member] += 1
            square[kind, member] += length


def outliers(
    total: npt.NDArray[np.float64], square: npt.NDArray[np.float64], count: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Positions of accounts far from the others' centre, by their own noise.

    `total` (m × d) sums of unit vectors, `square` (m) sums of their squared lengths, `count` (m) of how many.
    """
    able = np.flatnonzero(count >= LEAST)
    if len(able) < LEAST_MEMBERS:
        return np.empty(0, np.int64)
    n, s, every = count[able].astype(np.float64), total[able], float(count.sum())
    own = (np.einsum("ij,ij->i", s, s) - square[able]) / (n * (n - 1))
    other = (total.sum(axis=0) - s) / (every - n)[:, None]
    distance = own + np.einsum("ij,ij->i", other, other) - 2 * np.einsum("ij,ij->i", s / n[:, None], other)
    noise = distance * np.sqrt(n * (n - 1) / (1 + 2 * n / every * (n - 1)))
    middle = float(np.median(noise))
    spread = 1.4826 * float(np.median(np.abs(noise - middle)))
    return np.asarray(able[noise > middle + FAR * max(spread, 1e-9)])
