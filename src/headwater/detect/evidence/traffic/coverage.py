"""Coverage of the input space that grows without end: prompts from everywhere, as a harvest for a general model needs.

People come back to their subjects, so the space that their prompts cover grows ever more slowly. Random planes cut
content into cells; the cells an account occupies are counted for a fixed number of its exchanges, against as many drawn
from everybody. That an account is narrower than people are is not said here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from headwater.detect.evidence.traffic.planes import Planes
from headwater.detect.evidence.traffic.states import starts
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.objects import Counts
from headwater.detect.traits import strata

LEAST = 16
NOTABLE = 0.95
#: Planes that cut content: 4,096 cells at most; accounts of fewer exchanges are judged by coarser cells.
PLANES = 12

CARD = Card(
    name="coverage",
    title="Coverage without end",
    group="intent",
    sees="accounts whose prompts spread over as much of the input space as prompts drawn from everybody",
    null="other customers that sent about as much: how many cover as much with as many exchanges (rarefied)",
    false_positive="not measured yet",
    innocent_causes=(
        "a product or relay with many users behind one key",
        "evaluation on many subjects",
        "search",
    ),
    evasion_cost="give each account a subject of its own: accounts can't take over from each other",
    cap_nats=2.0,
    source="Dubiński et al. 2023 (B4B, arXiv 2310.08571); rarefaction after Hurlbert 1971",
    atlas=("AML.T0024.002", "AML.T0005.001"),
    aisvs=("11.3.1",),
)


@dataclass
class _Occupied:
    """How often each account was in each cell; nothing grows beyond accounts × cells."""

    enough: npt.NDArray[np.bool_]
    planes: Planes
    cells: Counts


class Coverage:
    """Cells that an account's exchanges occupy, over those that as many exchanges of everybody would."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Occupied:
        """Nothing occupied."""
        planes = Planes.through(world.context["content"], PLANES, world.seed)
        return _Occupied(world.volume >= LEAST, planes, Counts())

    def update(self, state: _Occupied, batch: Batch) -> _Occupied:
        """Count the cell of every exchange."""
        keep = state.enough[batch.account]
        if keep.any():
            state.cells.add(state.planes.sides(batch.column("imprint.sketch")[keep]), batch.account[keep])
        return state

    def merge(self, left: _Occupied, right: _Occupied) -> _Occupied:
        """Add two states."""
        left.cells.absorb(right.cells)
        return left

    def finish(self, state: _Occupied, world: World) -> Reading:
        """The ratio, by account; those of one pair of octaves of volume are counted alike."""
        state.cells.compact()
        account, cell, times = state.cells.accounts, state.cells.objects, state.cells.times
        total = np.bincount(account, times, world.size).astype(np.int64)
        stratum = strata(total)
        value = np.full(world.size, np.nan)
        known = np.bincount(world.customer[total > 0], minlength=int(world.customer.max(initial=-1)) + 1)
        # Every customer counts alike, and so does every account of one.
        weight = 1.0 / np.maximum(total * known[world.customer], 1)
        for one in np.unique(stratum[total >= LEAST]):
            drawn = 4 ** int(one)
            cells = min(2 * drawn, 2**PLANES)
            usual = _usual(cell % np.uint64(cells), times * weight[account], cells)
            everybody = float((1 - (1 - usual) ** drawn).sum())
            mine = (stratum == one) & (total >= LEAST)
            rows = mine[account]
            covered = _rarefied(account[rows], cell[rows] % np.uint64(cells), times[rows], total, drawn)
            value[mine] = covered[mine] / everybody
        return Reading(
            value,
            NOTABLE,
            "cover at least 95% as much of the input space as as many prompts drawn from everybody",
        )


def _usual(
    cell: npt.NDArray[np.uint64], weight: npt.NDArray[np.float64], cells: int
) -> npt.NDArray[np.float64]:
    """Share of everybody's exchanges in each cell."""
    share = np.bincount(cell.astype(np.int64), weight, cells)
    return np.asarray(share / share.sum())


def _rarefied(
    account: npt.NDArray[np.int32],
    cell: npt.NDArray[np.uint64],
    times: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    drawn: int,
) -> npt.NDArray[np.float64]:
    """Cells that `drawn` of each account's exchanges would occupy on average, drawn without putting back."""
    order = np.lexsort((cell, account))
    account, cell, times = account[order], cell[order], times[order]
    first = starts(account, cell)
    account, held = account[first], np.add.reduceat(times, first)
    n = total[account]
    left = np.maximum(n - held - drawn, 0)
    missed = np.exp(gammaln(n - held + 1) - gammaln(left + 1) - gammaln(n + 1) + gammaln(n - drawn + 1))
    missed = np.where(n - held >= drawn, missed, 0.0)
    return np.bincount(account, 1 - missed, len(total)).astype(np.float64)


trait = Coverage()
