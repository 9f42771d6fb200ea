"""Coverage of the input space that grows without end: prompts from everywhere, as a harvest for a general model needs.

People come back to their subjects, so the space that their prompts cover grows ever more slowly. Random planes cut
content into cells; the cells an account occupies are counted for a fixed number of its exchanges, against as many drawn
from everybody. That an account is narrower than people are is not said here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from headwater.detect.evidence.traffic.planes import Planes
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.ordering import counted
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
class _Looked:
    """Rows that are looked at: whose, and on which side of the planes; `keep` (accounts) is the share of them."""

    keep: npt.NDArray[np.float64]
    planes: Planes
    account: list[npt.NDArray[np.int32]] = field(default_factory=list)
    side: list[npt.NDArray[np.uint32]] = field(default_factory=list)


class Coverage:
    """Cells that an account's exchanges occupy, over those that as many exchanges of everybody would."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Looked:
        """No row."""
        keep = np.where(world.volume >= LEAST, MOST_ROWS / np.maximum(world.volume, 1), 0.0)
        return _Looked(keep, Planes.through(world.context["content"], WAYS * PLANES, world.seed))

    def update(self, state: _Looked, batch: Batch) -> _Looked:
        """Keep rows; which ones of a busy account are looked at is decided by their content."""
        chance = batch.column("imprint.exact").astype(np.float64) / UNIT
        keep = np.flatnonzero(chance < state.keep[batch.account])
        if len(keep):
            state.account.append(batch.account[keep])
            state.side.append(
                state.planes.sides(batch.column("imprint.sketch").take(keep, axis=0)).astype(np.uint32)
            )
        return state

    def merge(self, left: _Looked, right: _Looked) -> _Looked:
        """Rows of both."""
        return _Looked(left.keep, left.planes, left.account + right.account, left.side + right.side)

    def finish(self, state: _Looked, world: World) -> Reading:
        """The ratio, by account, as a mean over the ways; those of one pair of octaves of volume are counted alike."""
        account = np.concatenate([np.empty(0, np.int32), *state.account])
        side = np.concatenate([np.empty(0, np.uint32), *state.side])
        side = side[counted(account, world.size)]
        total = np.bincount(account, minlength=world.size)
        drawn = np.minimum(4 ** strata(world.volume), MOST_DRAWN)
        ratio = np.mean([_ratio(side, way, total, drawn, world.customer) for way in range(WAYS)], axis=0)
        return Reading(
            np.where(world.volume >= LEAST, ratio, np.nan),
            NOTABLE,
            "cover as much of the input space as prompts drawn from everybody",
        )


def _ratio(
    side: npt.NDArray[np.uint32],
    way: int,
    total: npt.NDArray[np.int64],
    drawn: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Cells that `drawn` (accounts) exchanges of each account occupy, over everybody's; NaN where it has fewer.

    `side` (n) of the rows by account, of which each has `total`.
    """
    known = np.bincount(customer[total > 0], minlength=int(customer.max(initial=-1)) + 1)
    # Every customer counts alike, and so does every account of one.
    weight = 1.0 / np.maximum(total * known[customer], 1)
    start = np.concatenate([[0], np.cumsum(total)])
    factorial = gammaln(np.arange(int(total.max(initial=0)) + 2) + 1.0)
    sent, covered = _occupied(side, way, start, drawn, weight, factorial)
    out = np.full(len(drawn), np.nan)
    for few in np.unique(drawn[total >= LEAST]).tolist():
        usual = sent.reshape(-1, _cells(few)).sum(axis=0)
        everybody = float((1 - (1 - usual / usual.sum()) ** few).sum())
        mine = (drawn == few) & (total >= max(few, LEAST))
        out[mine] = covered[mine] / everybody
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _cells(drawn: int) -> int:
    """Cells by which so many exchanges are judged: fewer would all be occupied, more by nobody twice."""
    return min(2 * drawn, 1 << PLANES)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _occupied(
    side: npt.NDArray[np.uint32],
    way: int,
    start: npt.NDArray[np.int64],
    drawn: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float64],
    factorial: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weighted exchanges of everybody by cell, and for each account how many cells `drawn` of its exchanges would
    occupy on average, drawn without putting back. `factorial` holds logarithms.
    """
    every = 1 << PLANES
    sent, covered = np.zeros(every), np.zeros(len(drawn))
    times = np.zeros(every, np.int64)
    for account in range(len(drawn)):
        n, few = start[account + 1] - start[account], drawn[account]
        if not n:
            continue
        for row in range(start[account], start[account + 1]):
            times[(side[row] >> np.uint32(way * PLANES)) & np.uint32(every - 1)] += 1
        cells = _cells(few)
        for cell in range(cells):
            held = 0
            for inside in range(cell, every, cells):
                if times[inside]:
                    sent[inside] += times[inside] * weight[account]
                    held += times[inside]
                    times[inside] = 0
            if held and n >= few:
                missed = 0.0
                if n - held >= few:
                    missed = np.exp(
                        factorial[n - held] - factorial[n - held - few] - factorial[n] + factorial[n - few]
                    )
                covered[account] += 1 - missed
    return sent, covered


trait = Coverage()
