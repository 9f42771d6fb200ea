"""Departure from everybody's prompts as a distribution: kernel mean embeddings by random Fourier features.

The squared distance between an account's mean embedding and everybody's (MMD², unbiased, in time linear in the rows) is
compared with how far accounts lie from everybody usually, and with the noise of so few exchanges. Every account departs
a little, since it is somebody's; only the far ones are unusual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.evidence.traffic.planes import Planes
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.population import BLOCK, UNIT, Content

LEAST = 20
#: Standard deviations beyond the median account.
NOTABLE = 3.0
#: Random frequencies, each with cosine and sine; steps of phase, and of their values.
FREQUENCIES, PHASES, STEP = 32, 1024, 2.0**14
#: Exchanges of one account that are looked at, in expectation, and that enter the covariance of all.
MOST_ROWS, A_ACCOUNT = 200, 20
#: Fewer accounts are no population to depart from.
LEAST_ACCOUNTS = 10
#: The median absolute deviation as a standard deviation.
NORMAL = 1.4826
ANGLES = 2 * np.pi * (np.arange(PHASES) + 0.5) / PHASES
WAVES = np.rint(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) * STEP).astype(np.int16)

CARD = Card(
    name="departure",
    title="Departure from everybody's prompts",
    group="intent",
    sees="accounts whose prompts, as a distribution, lie further from everybody's than accounts usually do",
    null="other customers that sent about as much: how many lie as far (MMD² in standard deviations of accounts and "
    "of its own noise)",
    false_positive="not measured yet",
    innocent_causes=("a single narrow task", "a rare language or script among the log's", "a new product"),
    evasion_cost="mix in prompts as everybody's until the mean is theirs: at half of the traffic the distance halves",
    cap_nats=2.0,
    source="Gretton et al. 2012 (MMD), Rahimi and Recht 2007 (random features); LabRAI (arXiv 2606.05725) on windows",
    atlas=("AML.T0024.002", "AML.T0005.001"),
    aisvs=("11.3.1",),
    alone=True,
)


@dataclass
class _Embedded:
    """Sums of features, in whole numbers, and which rows enter them.

    `total` (slots × 2·FREQUENCIES), `rows` (slots); `outer` sums products of features over `sampled` rows of everybody.
    `slot` (accounts) is the place of an account with exchanges enough (−1: too few), `keep` the share of its rows that
    are looked at, `few` of those that enter `outer`.
    """

    slot: npt.NDArray[np.int64]
    keep: npt.NDArray[np.float64]
    few: npt.NDArray[np.float64]
    planes: Planes
    turn: float
    total: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    outer: npt.NDArray[np.int64]
    sampled: int


class Departure:
    """How many standard deviations an account lies further from everybody than the median account."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Embedded:
        """Nothing embedded; the kernel is as wide as prompts usually lie apart."""
        content: Content = world.context["content"]
        enough = world.volume >= LEAST
        planes = Planes.through(content, FREQUENCIES, world.seed)
        matrix = content.matrix.astype(np.float64)
        width = np.sqrt(max(float(np.trace(matrix.T @ content.covariance @ matrix)), 1e-12))
        return _Embedded(
            slot=np.where(enough, np.cumsum(enough) - 1, -1),
            keep=np.minimum(1.0, MOST_ROWS / np.maximum(world.volume, 1)),
            few=np.minimum(1.0, A_ACCOUNT / np.maximum(world.volume, 1)),
            planes=planes,
            turn=PHASES / (2 * np.pi * width * planes.unit),
            total=np.zeros((int(enough.sum()), 2 * FREQUENCIES), np.int64),
            rows=np.zeros(int(enough.sum()), np.int64),
            outer=np.zeros((2 * FREQUENCIES, 2 * FREQUENCIES), np.int64),
            sampled=0,
        )

    def update(self, state: _Embedded, batch: Batch) -> _Embedded:
        """Add the features of rows; which rows of a busy account are looked at is decided by their content."""
        chance = batch.column("imprint.exact").astype(np.float64) / UNIT
        keep = np.flatnonzero((state.slot[batch.account] >= 0) & (chance < state.keep[batch.account]))
        if not len(keep):
            return state
        account, sketches = batch.account[keep], batch.column("imprint.sketch").take(keep, axis=0)
        along, turn = state.planes.along(sketches), np.float32(state.turn)
        _add(state.total, state.slot[account], along, turn, WAVES)
        counting.count(state.rows, state.slot[account])
        few = along[chance[keep] < state.few[account]]
        for at in range(0, len(few), BLOCK):
            wave = WAVES[_phases(few[at : at + BLOCK], turn)].reshape(-1, 2 * FREQUENCIES).astype(np.float64)
            # Entries stay below 2⁵³ for batches of up to 2²⁵ rows: products in floating point are exact.
            state.outer += (wave.T @ wave).astype(np.int64)
        state.sampled += len(few)
        return state

    def merge(self, left: _Embedded, right: _Embedded) -> _Embedded:
        """Add two states."""
        left.total += right.total
        left.rows += right.rows
        left.outer += right.outer
        left.sampled += right.sampled
        return left

    def finish(self, state: _Embedded, world: World) -> Reading:
        """Distances in standard deviations, by account."""
        value = np.full(world.size, np.nan)
        code = np.flatnonzero(state.slot >= 0)
        known = state.rows[state.slot[code]] >= LEAST
        code, n = code[known], state.rows[state.slot[code]][known].astype(np.float64)
        if len(code) >= LEAST_ACCOUNTS:
            mean = state.total[state.slot[code]] / STEP / n[:, None]
            # One account a customer says what is usual, or an organisation of many keys would.
            first = np.unique(world.customer[code], return_index=True)[1]
            middle = mean[first].mean(axis=0)
            distance = _distances(mean, n, middle)
            second = state.outer / STEP**2 / max(state.sampled, 1)
            spread = second - np.outer(middle, middle)
            noise = 2 * float((spread**2).sum()) / (n * (n - 1))
            usual = float(np.median(distance[first]))
            between = NORMAL * float(np.median(np.abs(distance[first] - usual)))
            value[code] = (distance - usual) / np.sqrt(between**2 + noise + 1e-12)
        return Reading(
            value,
            NOTABLE,
            "depart from everybody's prompts by three standard deviations more than the median account",
        )


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _add(
    total: npt.NDArray[np.int64],
    slot: npt.NDArray[np.int64],
    along: npt.NDArray[np.float32],
    turn: np.float32,
    waves: npt.NDArray[np.int16],
) -> None:
    """The waves of each row (n × FREQUENCIES along the frequencies) more in the sums of its slot (n)."""
    for i in range(len(slot)):
        sums = total[slot[i]]
        for k in range(along.shape[1]):
            phase = _phase(along[i, k], turn)
            sums[2 * k] += waves[phase, 0]
            sums[2 * k + 1] += waves[phase, 1]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _phases(along: npt.NDArray[np.float32], turn: np.float32) -> npt.NDArray[np.int16]:
    """The step of phase (n × FREQUENCIES) of each row along each frequency."""
    out = np.empty(along.shape, np.int16)
    for i in range(along.shape[0]):
        for k in range(along.shape[1]):
            out[i, k] = _phase(along[i, k], turn)
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _phase(along: np.float32, turn: np.float32) -> np.int64:
    """The step of phase, of which there are a power of two."""
    return np.int64(np.floor(along * turn)) & (PHASES - 1)


def _distances(
    mean: npt.NDArray[np.float64], n: npt.NDArray[np.float64], middle: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Unbiased squared distance of each account's mean embedding (k × d, of n rows) from `middle` (d)."""
    # Each row's own square (cos² + sin² is 1) is taken out, or few rows would seem far from everybody.
    own = ((mean**2).sum(axis=1) * n - FREQUENCIES) / (n - 1)
    return np.asarray(own - 2 * mean @ middle + float((middle**2).sum()))


trait = Departure()
