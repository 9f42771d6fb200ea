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
from headwater.detect.ordering import by_code
from headwater.detect.population import UNIT
from headwater.detect.traits import strata

LEAST = 16
NOTABLE = 1.0
#: Exchanges of one account that are looked at, in expectation, and so many of them are drawn at most.
MOST_ROWS, MOST_DRAWN = 256, 128
#: Independent ways to cut content, by so many planes each: that two subjects share a cell of one is chance.
WAYS, PLANES = 4, 8

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
    alone=True,
)


@dataclass
class _Occupied:
    """How often each account was in each cell of each way; `keep` (accounts) is the share of its rows looked at."""

    keep: npt.NDArray[np.float64]
    planes: Planes
    cells: tuple[Counts, ...]


class Coverage:
    """Cells that an account's exchanges occupy, over those that as many exchanges of everybody would."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Occupied:
        """Nothing occupied."""
        keep = np.where(world.volume >= LEAST, MOST_ROWS / np.maximum(world.volume, 1), 0.0)
        planes = Planes.through(world.context["content"], WAYS * PLANES, world.seed)
        return _Occupied(keep, planes, tuple(Counts() for _ in range(WAYS)))

    def update(self, state: _Occupied, batch: Batch) -> _Occupied:
        """Count cells; which rows of a busy account are looked at is decided by their content."""
        keep = batch.column("imprint.exact").astype(np.float64) / UNIT < state.keep[batch.account]
        if keep.any():
            side = state.planes.sides(batch.column("imprint.sketch")[keep])
            for way, cells in enumerate(state.cells):
                cells.add((side >> np.uint64(way * PLANES)) % np.uint64(2**PLANES), batch.account[keep])
        return state

    def merge(self, left: _Occupied, right: _Occupied) -> _Occupied:
        """Add two states."""
        for mine, theirs in zip(left.cells, right.cells, strict=True):
            mine.absorb(theirs)
        return left

    def finish(self, state: _Occupied, world: World) -> Reading:
        """The ratio, by account, as a mean over the ways; those of one pair of octaves of volume are counted alike."""
        drawn = np.minimum(4 ** strata(world.volume), MOST_DRAWN)
        ratio = np.mean([_ratio(cells, drawn, world.customer) for cells in state.cells], axis=0)
        return Reading(
            np.where(world.volume >= LEAST, ratio, np.nan),
            NOTABLE,
            "cover as much of the input space as prompts drawn from everybody",
        )


def _ratio(
    counts: Counts, drawn: npt.NDArray[np.int64], customer: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Cells that `drawn` (accounts) exchanges of each account occupy, over everybody's; NaN where it has fewer."""
    counts.compact()
    account, cell, times = counts.accounts, counts.objects, counts.times
    total = np.bincount(account, times, len(drawn)).astype(np.int64)
    known = np.bincount(customer[total > 0], minlength=int(customer.max(initial=-1)) + 1)
    # Every customer counts alike, and so does every account of one.
    weight = 1.0 / np.maximum(total * known[customer], 1)
    out = np.full(len(drawn), np.nan)
    for few in np.unique(drawn[total >= LEAST]):
        # Twice as many cells as are drawn: fewer would all be occupied, more by nobody twice.
        cells = np.uint64(min(2 * int(few), 2**PLANES))
        usual = _usual(cell % cells, times * weight[account], int(cells))
        everybody = float((1 - (1 - usual) ** few).sum())
        mine = (drawn == few) & (total >= np.maximum(few, LEAST))
        rows = mine[account]
        covered = _rarefied(account[rows], cell[rows] % cells, times[rows], total, int(few))
        out[mine] = covered[mine] / everybody
    return out


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
    order = by_code(account, cell)
    account, cell, times = account[order], cell[order], times[order]
    first = starts(account, cell)
    account, held = account[first], np.add.reduceat(times, first)
    n = total[account]
    left = np.maximum(n - held - drawn, 0)
    missed = np.exp(gammaln(n - held + 1) - gammaln(left + 1) - gammaln(n + 1) + gammaln(n - drawn + 1))
    missed = np.where(n - held >= drawn, missed, 0.0)
    return np.bincount(account, 1 - missed, len(total)).astype(np.float64)


trait = Coverage()
